"""Tiny decoders with a head at [EXTRACT], and batches for them, in double precision."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, OpenAIGPTConfig, PreTrainedModel

from genai_hf.collators.extract import ExtractCollator
from genai_hf.models.extract import Facts, add_extract_head
from genai_hf.objectives.extract import Extract
from genai_hf.objectives.labelling import Labelling
from genai_hf.tokenization import Marks

SPELT = {"start": "[START]", "delimiter": "[DELIM]", "extract": "[EXTRACT]"}
NEW = Marks(start=64, delimiter=65, extract=66, new=(64, 65, 66))
SIZES = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40}
NO_DROPOUT = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
GPT1 = OpenAIGPTConfig(vocab_size=67, **SIZES, **NO_DROPOUT)
DECODERS = {
    "gpt2": GPT2Config(vocab_size=64, **SIZES, **NO_DROPOUT, bos_token_id=0, eos_token_id=0),
    "openai-gpt": OpenAIGPTConfig(vocab_size=64, **SIZES, **NO_DROPOUT),
    "llama": LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=40, tie_word_embeddings=False, pad_token_id=None,
    ),
}  # fmt: skip


def decoder(kind: str, dtype: torch.dtype = torch.float64) -> PreTrainedModel:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(type(DECODERS[kind])(**DECODERS[kind].to_diff_dict()))
    for weight in model.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, 0.0, 0.3)  # far enough from nothing that every token counts
    return model.to(dtype)


def with_head(
    kind: str,
    transformation: str,
    *,
    names: int = 3,
    dropout: float = 0.0,
    dtype: torch.dtype = torch.float64,
) -> PreTrainedModel:
    labels = [f"n{number}" for number in range(names)]
    facts = Facts(transformation=transformation, names=labels, length=40, **SPELT)
    return add_extract_head(decoder(kind, dtype), facts=facts, marks=NEW, dropout=dropout, deviation=0.3)


def batch_of(rows: Sequence[Sequence[Sequence[int]]], labels: Sequence[float] | None = None) -> dict[str, torch.Tensor]:
    """A batch of rows of sequences, padded with 0."""
    made = [
        {
            "input_ids": np.array([token for ids in row for token in ids]),
            "lengths": np.array([len(ids) for ids in row]),
        }
        | ({} if labels is None else {"label": labels[number]})
        for number, row in enumerate(rows)
    ]
    return ExtractCollator(pad_token_id=0, transformation="classification")(made)


def objective(transformation: str, *, names: int = 3, validation: dict[str, int] | None = None, **given) -> Extract:
    labels = [f"n{number}" for number in range(names)]
    labelling = Labelling(
        names=labels,
        scores=["accuracy"] if labels else ["spearman"],
        validation=validation or {"validation": 2},
        train_labels=np.array([0.0, 0.0, 1.0]),
        adversarial=True,
    )
    return Extract(labelling=labelling, transformation=transformation, **given)
