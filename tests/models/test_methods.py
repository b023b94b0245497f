"""Each way of training few weights on each architecture: it works, is made to work, or is refused in one line."""

import pytest
import torch
import transformers

from genai_hf.errors import ConfigError
from genai_hf.models import adapters
from genai_hf.models.fresh import mark
from genai_hf.models.pooling import last_token
from genai_hf.models.trained_weights import closed_form, counted

WIDE = {"vocab_size": 60, "pad_token_id": 0, "initializer_range": 0.3}  # so that every part has an effect
SIZES = WIDE | {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
OF_GPT2 = WIDE | {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40}
OF_DISTILBERT = WIDE | {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
OF_T5 = {"vocab_size": 60, "d_model": 16, "d_kv": 8, "num_layers": 2, "num_heads": 2, "d_ff": 32, "pad_token_id": 0}
ARCHITECTURES = {
    "bert": SIZES,
    "roberta": SIZES,
    "distilbert": OF_DISTILBERT,
    "modernbert": SIZES,
    "gpt2": OF_GPT2,
    "llama": SIZES | {"num_attention_heads": 4, "num_key_value_heads": 2},
    "t5": OF_T5 | {"decoder_start_token_id": 0},
}
DECODERS = ("gpt2", "llama")
METHODS = {
    "lora": {"method": "lora", "r": 3, "init_lora_weights": False},
    "rslora": {"method": "lora", "r": 3, "use_rslora": True, "init_lora_weights": False},
    "dora": {"method": "lora", "r": 3, "use_dora": True, "init_lora_weights": False},
    "qlora": {"method": "lora", "r": 3, "target_modules": "all-linear", "init_lora_weights": False},
    "ia3": {"method": "ia3"},
    "prefix": {"method": "prefix", "num_virtual_tokens": 3},
    "prefix_projection": {
        "method": "prefix",
        "num_virtual_tokens": 3,
        "prefix_projection": True,
        "encoder_hidden_size": 5,
    },
    "prompt": {"method": "prompt", "num_virtual_tokens": 3},
    "p_tuning": {"method": "p_tuning", "num_virtual_tokens": 3, "encoder_hidden_size": 5},
    "p_tuning_lstm": {
        "method": "p_tuning",
        "num_virtual_tokens": 3,
        "encoder_hidden_size": 5,
        "encoder_reparameterization_type": "LSTM",
    },
    "bottleneck": {"method": "bottleneck", "width": 3},
}


def tasks(architecture):
    """What a model of the architecture may be for."""
    if architecture == "t5":
        return ["Seq2SeqLM"]
    return ["CausalLM" if architecture in DECODERS else "MaskedLM", "SequenceClassification"]


def model_of(architecture, task):
    torch.manual_seed(0)
    settings = transformers.AutoConfig.for_model(architecture, **ARCHITECTURES[architecture])
    model = getattr(transformers, f"AutoModelFor{task}").from_config(settings)
    model.name_or_path = "base"
    if task == "SequenceClassification":  # as load_classifier leaves it
        heads = [name for name, part in model.named_children() if [*part.parameters()]]
        mark(model, [name for name in heads if name != model.base_model_prefix])
    return model.eval()


def adapted(architecture, task, method, *, checkpointing=False, length=8):
    wanted = adapters.adapter(length=length, checkpointing=checkpointing, **METHODS[method])
    model = model_of(architecture, task)
    if checkpointing:
        model.activation_checkpointing_enable()
    return adapters.adapt(model, wanted)


def logits(model, rows, task):
    """Of rows of different lengths, padded."""
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    given = {"input_ids": ids, "attention_mask": (ids > 0).long()}
    if task == "Seq2SeqLM":
        given["decoder_input_ids"] = torch.arange(4)[None].expand(len(rows), -1) + 5
    with last_token(model, given["attention_mask"]):
        return model(**given).logits


CELLS = [(name, task, method) for name in ARCHITECTURES for task in tasks(name) for method in METHODS]
NO_PAST = ("distilbert", "modernbert")  # their attention takes no keys and values from before


@pytest.mark.parametrize(("architecture", "task", "method"), CELLS)
def test_a_method_learns_on_an_architecture_or_is_refused(architecture, task, method):
    if architecture in NO_PAST and method.startswith("prefix"):
        with pytest.raises(ConfigError, match=r"^'peft': the attention of .* takes no keys and values from before"):
            adapted(architecture, task, method)
        return
    model = adapted(architecture, task, method)
    before = {name: weight.clone() for name, weight in model.named_parameters() if not weight.requires_grad}
    rows = [[7, 8, 9, 10, 11], [12, 13]]
    together = logits(model, rows, task)
    (together * torch.randn(together.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    idle = [name for name, weight in trained.items() if weight.grad is None or not weight.grad.any()]
    assert not idle
    counts, (_, expected) = counted(model), closed_form(model)
    assert counts["trained"] == expected + counts["heads"] + counts["tokens"]
    for row, padded in zip(rows, together, strict=True):  # neither padding nor neighbours move anything
        alone = logits(model, [row], task)[0]
        torch.testing.assert_close(padded[: len(alone)], alone, rtol=0, atol=1e-5)
    torch.optim.SGD(trained.values(), lr=1.0).step()
    assert all(torch.equal(before[name], weight) for name, weight in model.named_parameters() if name in before)
    learnt = logits(model, rows, task)
    assert learnt.shape == logits(model_of(architecture, task), rows, task).shape
    assert not torch.allclose(learnt, together, atol=1e-4)
