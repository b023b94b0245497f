"""Tiny models of seven architectures and all ways to train few weights of them, for tests of what goes with what."""

import os

import torch
import transformers

from genai_hf.models import adapters, few_bits
from genai_hf.models.fresh import mark
from genai_hf.models.loading import weights
from genai_hf.models.pooling import last_token
from genai_hf.models.trained_weights import closed_form, counted

WIDE = {"vocab_size": 60, "pad_token_id": 0, "initializer_range": 0.15}  # so that every part has an effect
SIZES = WIDE | {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "max_position_embeddings": 40,
}
STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
ARCHITECTURES = {
    "bert": SIZES | STILL,
    "roberta": SIZES | STILL,
    "distilbert": WIDE
    | {"dim": 64, "n_layers": 2, "n_heads": 2, "hidden_dim": 128, "dropout": 0, "attention_dropout": 0}
    | {"seq_classif_dropout": 0},
    "modernbert": SIZES,
    "gpt2": WIDE
    | {"n_embd": 64, "n_layer": 2, "n_head": 2, "n_positions": 40, "resid_pdrop": 0, "embd_pdrop": 0, "attn_pdrop": 0},
    "llama": SIZES | {"num_attention_heads": 4, "num_key_value_heads": 2},
    "t5": {"vocab_size": 60, "d_model": 64, "d_kv": 64, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 2}
    | {"d_ff": 128, "pad_token_id": 0, "decoder_start_token_id": 0, "dropout_rate": 0},
}
OF_THREE = {"num_virtual_tokens": 3}
BY_FIVE = {"encoder_hidden_size": 5}
RANDOM = {"r": 3, "init_lora_weights": False}  # an update from the first step on
METHODS = {
    "lora": {"method": "lora", **RANDOM},
    "rslora": {"method": "lora", "use_rslora": True, **RANDOM},
    "dora": {"method": "lora", "use_dora": True, **RANDOM},
    "qlora": {"method": "lora", "target_modules": "all-linear", **RANDOM},
    "ia3": {"method": "ia3"},
    "prefix": {"method": "prefix", **OF_THREE},
    "prefix, projected": {"method": "prefix", "prefix_projection": True, **OF_THREE, **BY_FIVE},
    "prompt": {"method": "prompt", **OF_THREE},
    "p_tuning": {"method": "p_tuning", **OF_THREE, **BY_FIVE},
    "p_tuning, LSTM": {"method": "p_tuning", "encoder_reparameterization_type": "LSTM", **OF_THREE, **BY_FIVE},
    "bottleneck": {"method": "bottleneck", "width": 3},
}
QUANTIZATIONS = {
    "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "nf4_double": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
    "int8": {"load_in_8bit": True},
}
CLASSIFIES = "SequenceClassification"
MODELS = [
    *[(name, task) for name in ("bert", "roberta", "distilbert", "modernbert") for task in ("MaskedLM", CLASSIFIES)],
    *[(name, task) for name in ("gpt2", "llama") for task in ("CausalLM", CLASSIFIES)],
    ("t5", "Seq2SeqLM"),
]
ROWS = [[7, 8, 9, 10, 11], [12, 13]]


def model_of(architecture, task):
    """A tiny model with the marks of one that was loaded."""
    torch.manual_seed(0)
    settings = transformers.AutoConfig.for_model(architecture, **ARCHITECTURES[architecture])
    model = getattr(transformers, f"AutoModelFor{task}").from_config(settings)
    model.name_or_path = "base"
    return _marked(model, task)


def stored(architecture, task, quantization_, folder):
    """The same, read from a folder with weights of few bits."""
    model = model_of(architecture, task)
    model.save_pretrained(folder)
    settings = few_bits.quantized(precision="fp32", **QUANTIZATIONS[quantization_])
    kind = getattr(transformers, f"AutoModelFor{task}")
    return _marked(weights(kind, os.fspath(folder), model.config, None, quantization=settings)[0], task)


def _marked(model, task):
    if task == CLASSIFIES:
        heads = [name for name, part in model.named_children() if [*part.parameters()]]
        mark(model, [name for name in heads if name != model.base_model_prefix])
    return model


def adapted(model, method, *, checkpointing=False, length=8):
    """The model with an adapter."""
    found = adapters.adapt(model, adapters.adapter(length=length, checkpointing=checkpointing, **METHODS[method]))
    if checkpointing:  # as a Trainer does it, afterwards
        found.activation_checkpointing_enable({"use_reentrant": False})
    return found


def logits(model, rows=ROWS):
    """Of rows of different lengths, padded."""
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    given = {"input_ids": ids, "attention_mask": (ids > 0).long()}
    if model.config.is_encoder_decoder:
        given["decoder_input_ids"] = torch.arange(4)[None].expand(len(rows), -1) + 5
    with last_token(model, given["attention_mask"]):
        return model(**given).logits


def gradients(model):
    """Of all that is trained, for a loss in which every logit has another weight."""
    model.zero_grad()
    found = logits(model.train())
    (found * torch.randn(found.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    return {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}


def require_learning(model):
    """See that every part that is to learn does, the same after an evaluation, and that nothing else moves."""
    frozen = {name: weight.clone() for name, weight in model.named_parameters() if not weight.requires_grad}
    first = gradients(model)
    idle = [name for name, gradient in first.items() if gradient is None or not gradient.any()]
    assert not idle, f"{idle} would never be trained"
    counts, (_, expected) = counted(model), closed_form(model)
    assert counts["trained"] == expected + counts["heads"] + counts["tokens"]
    with torch.no_grad():
        logits(model.eval())
    again = gradients(model)
    assert all(torch.equal(gradient, again[name]) for name, gradient in first.items())
    before = logits(model.eval())
    torch.optim.SGD([weight for weight in model.parameters() if weight.requires_grad], lr=1.0).step()
    assert not torch.allclose(logits(model), before, atol=1e-4)
    assert all(torch.equal(frozen[name], weight) for name, weight in model.named_parameters() if name in frozen)
