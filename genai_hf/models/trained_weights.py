"""How many weights an adapter trains: counted, and by the closed form of its method."""

from typing import Any

from peft import PeftModel, PeftType
from peft.tuners.ia3 import IA3Layer
from peft.tuners.lora import LoraLayer
from torch import nn

from genai_hf.models.bare import bare
from genai_hf.models.bottleneck import BottleneckLayer
from genai_hf.models.few_bits import elements

ORIGINAL = ".original_module."  # in the name of what PEFT keeps of a module that is trained as a whole


def counted(model: nn.Module) -> dict[str, int]:
    """Weights of an adapted model.

    Returns:
        ``all``; ``trained``, and of these those of modules that are trained as a whole (``heads``) and of new tokens
        (``tokens``).
    """
    trained = {name: weight.numel() for name, weight in model.named_parameters() if weight.requires_grad}
    return {
        "all": sum(elements(weight) for name, weight in model.named_parameters() if ORIGINAL not in name),
        "trained": sum(trained.values()),
        "heads": sum(count for name, count in trained.items() if ".modules_to_save." in name),
        "tokens": sum(count for name, count in trained.items() if "trainable_tokens_delta" in name),
    }


def closed_form(model: PeftModel) -> tuple[str, int]:
    """How many weights the adapter should have, and in words why: without heads and new tokens.

    LoRA: Hu et al. 2021, section 4.2; bottleneck: Houlsby et al. 2019, section 2.1; the others follow from what is
    learnt. DoRA has d magnitudes besides.
    """
    settings, parts = model.active_peft_config, list(bare(model).modules())
    if settings.is_prompt_learning:
        return _virtual(settings)
    if settings.peft_type == PeftType.LORA:
        matrices = [part for part in parts if isinstance(part, LoraLayer)]
        own = settings.lora_bias or settings.bias != "none"
        trained = [(name, weight) for name, weight in model.named_parameters() if own and weight.requires_grad]
        biases = [weight for name, weight in trained if name.endswith(".bias") and ".modules_to_save." not in name]
        why = f"r (d + k) for each of {len(matrices)} matrices" + ", and the biases" * own
        return why, sum(map(_of_matrix, matrices)) + sum(weight.numel() for weight in biases)
    if settings.peft_type == PeftType.IA3:
        scaled = [part for part in parts if isinstance(part, IA3Layer)]
        sizes = [part.in_features if part.is_feedforward else part.out_features for part in scaled]
        return f"the width of each of {len(scaled)} rescaled outputs and inputs", sum(map(int, sizes))
    layers = [part for part in parts if isinstance(part, BottleneckLayer)]
    width = settings.width
    each = [2 * width * layer.outputs + layer.outputs + width for layer in layers]
    return f"2 m d + d + m for each of {len(layers)} adapters", sum(each)


def _of_matrix(layer: LoraLayer) -> int:
    """Of one matrix's update."""
    rows, columns = int(layer.out_features or 0), int(layer.in_features or 0)
    return sum(rank * (rows + columns) + int(layer.use_dora[name]) * rows for name, rank in layer.r.items())


def _virtual(settings: Any) -> tuple[str, int]:
    """Of vectors before the text or before each layer's keys and values, and of what they are made by."""
    tokens, width, inner = settings.num_virtual_tokens, settings.token_dim, vars(settings).get("encoder_hidden_size")
    if settings.peft_type == PeftType.PREFIX_TUNING:
        each = 2 * settings.num_layers * width
        if not settings.prefix_projection:
            return f"2 L d for each of {tokens} tokens", tokens * each
        made = tokens * width + (width + 1) * inner + (inner + 1) * each
        return f"d for each of {tokens} tokens, and the layers that project them to 2 L d by way of {inner}", made
    if settings.peft_type != PeftType.P_TUNING:
        return f"d for each of {tokens} tokens", tokens * width
    if settings.encoder_reparameterization_type == "MLP":
        layers = (width + 1) * inner + (inner + 1) * inner + (inner + 1) * width
        return f"d for each of {tokens} tokens, and three layers by way of {inner}", tokens * width + layers
    both = 2 * inner  # directions
    entering = [width, *[both] * (settings.encoder_num_layers - 1)]
    recurrent = sum(4 * both * (size + inner + 2) for size in entering)
    made = tokens * width + recurrent + (both + 1) * both + (both + 1) * width
    return f"d for each of {tokens} tokens, an LSTM of {inner} in both directions and two layers", made
