"""Bottleneck adapters, a method for PEFT: two small layers behind each sublayer of a frozen transformer.

Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP" (arXiv:1902.00751), section 2.1: the output of a
sublayer is projected back to the model's width, then goes down to m, through a nonlinearity and up again, around which
there is a skip connection; then comes the sublayer's own residual. The layer norms are trained too. Dropout that a
model has behind the projection comes behind the adapter here, and between the two there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from peft.config import PeftConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_PREFIX_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.activations import ACT2FN
from transformers.pytorch_utils import Conv1D

BOTTLENECK = "BOTTLENECK"  # the method's name in an adapter's files

# By architecture: what projects a sublayer's output back to the model's width.
OUTPUTS = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "electra", "deberta-v2"), ("output.dense",)),
    "mpnet": ("attention.attn.o", "output.dense"),
    "distilbert": ("attention.out_lin", "ffn.lin2"),
    "modernbert": ("attn.Wo", "mlp.Wo"),
    "gpt2": ("c_proj",),
    "openai-gpt": ("c_proj",),
    "gpt_neox": ("attention.dense", "dense_4h_to_h"),
    "opt": ("out_proj", "fc2"),
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "gemma", "olmo2", "smollm3"), ("o_proj", "down_proj")),
    **dict.fromkeys(("t5", "mt5"), ("SelfAttention.o", "EncDecAttention.o", "DenseReluDense.wo")),
}


@dataclass
class BottleneckConfig(PeftConfig):
    """Settings of bottleneck adapters.

    Args:
        width: m, of the bottleneck, at least 1; the paper tries 8 to 256.
        activation: Name of the nonlinearity in transformers.
        deviation: Standard deviation of the new weights, a normal distribution cut off at twice of it; positive.
        target_modules: Names of the projections behind which there is an adapter; None: by the architecture.
        layer_norms: Whether the layer norms are trained too.
        modules_to_save: Names of modules that are trained as a whole besides.
    """

    width: int = 64
    activation: str = "gelu"
    deviation: float = 1e-2
    target_modules: list[str] | str | None = None
    layer_norms: bool = True
    modules_to_save: list[str] | None = field(default=None)

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[no-untyped-call]
        self.peft_type = BOTTLENECK
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")
        if not self.deviation > 0:
            raise ValueError(f"deviation must be positive, got {self.deviation}")
        if self.activation not in ACT2FN:
            raise ValueError(f"activation must be one of {', '.join(sorted(ACT2FN))}, got {self.activation}")


class BottleneckLayer(nn.Module, BaseTunerLayer):
    """A projection with an adapter behind it."""

    adapter_layer_names = ("bottleneck_down", "bottleneck_up")
    other_param_names = ()

    def __init__(self, base_layer: nn.Module, adapter_name: str, settings: BottleneckConfig) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck_down, self.bottleneck_up = nn.ModuleDict(), nn.ModuleDict()
        self.activation = ACT2FN[settings.activation]
        self.outputs = base_layer.nf if isinstance(base_layer, Conv1D) else int(base_layer.out_features)  # type: ignore[arg-type]
        self._disable_adapters = False
        self.merged_adapters: list[str] = []
        layers = nn.Linear(self.outputs, settings.width), nn.Linear(settings.width, self.outputs)
        far = 2 * settings.deviation
        for layer in layers:
            nn.init.trunc_normal_(layer.weight, std=settings.deviation, a=-far, b=far)
            nn.init.zeros_(layer.bias)
        self.bottleneck_down[adapter_name], self.bottleneck_up[adapter_name] = layers
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(adapter_name)

    def forward(self, *given: Any, **named: Any) -> Tensor:
        """The projection's output (…, H), and what the adapter adds to it."""
        states: Tensor = self.base_layer(*given, **named)
        if self.disable_adapters:
            return states
        for name in self.active_adapters:
            down, up = self.bottleneck_down[name], self.bottleneck_up[name]
            inner = self.activation(down(states.to(next(down.parameters()).dtype)))
            states = states + up(inner).to(states.dtype)
        return states

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Refuse it: there is a nonlinearity in between.

        Raises:
            ValueError: Always.
        """
        raise ValueError("a bottleneck adapter cannot be merged into the weights")


class BottleneckModel(BaseTuner):
    """A model with bottleneck adapters."""

    prefix = "bottleneck_"
    tuner_layer_cls = BottleneckLayer

    def _prepare_adapter_config(self, peft_config: BottleneckConfig, model_config: dict[str, Any]) -> BottleneckConfig:
        if peft_config.target_modules is None:
            peft_config.target_modules = list(OUTPUTS.get(model_config["model_type"], ()))
            if not peft_config.target_modules:
                raise ValueError("Please specify `target_modules` in `peft_config`")
        return peft_config

    def _create_and_replace(  # noqa: PLR0917 - PEFT's
        self,
        peft_config: Any,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        parameter_name: str | None = None,
    ) -> None:
        self._replace_module(parent, target_name, BottleneckLayer(target, adapter_name, peft_config), target)


def layer_norms(model: PreTrainedModel, besides: Sequence[str]) -> list[str]:
    """Names of a model's layer norms, whatever its class calls them, but for those in modules called `besides`."""
    within = tuple(f"{name}." for name in besides)
    parts = [(name, part) for name, part in model.named_modules() if not f"{name}.".startswith(within)]
    return [name for name, part in parts if type(part).__name__.endswith("Norm") and [*part.parameters()]]


# PEFT's own register takes no name that is not in its list already.
PEFT_TYPE_TO_PREFIX_MAPPING[BOTTLENECK] = BottleneckModel.prefix  # type: ignore[index]
PEFT_TYPE_TO_CONFIG_MAPPING[BOTTLENECK] = BottleneckConfig  # type: ignore[index]
PEFT_TYPE_TO_TUNER_MAPPING[BOTTLENECK] = BottleneckModel  # type: ignore[index]
