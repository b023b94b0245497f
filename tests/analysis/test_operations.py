"""Floating-point operations by hand, and beside what PyTorch counts of a forward pass."""

import peft
import pytest
import torch
from conftest import tiny_bert
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    DistilBertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from genai_hf.analysis import operations
from genai_hf.analysis.operations import Operations, Seen
from genai_hf.models.last_layer import shorten

DENSE, NORM, FEED_FORWARD = 16 * 16 + 16, 32, (16 * 32 + 32) + (32 * 16 + 16)
LAYER = 4 * DENSE + NORM + FEED_FORWARD + NORM
SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
WIDE = {"vocab_size": 64, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
WIDE |= {"attn_implementation": "eager"}


def test_of_a_tiny_model_by_hand():
    body = LAYER + NORM + DENSE + NORM  # the embeddings' norm, and what comes before the vocabulary head
    found = operations.operations(tiny_bert())
    assert found == Operations(
        read=6 * body, written=0, row=0, label=6 * (16 * 64 + 64), attention=12 * 16, written_attention=0
    )
    seen = Seen(read=7, read_squared=3 * 3 + 4 * 4, rows=2, all=8, labels=2)
    assert found.of(seen, head_positions=2) == 7 * 6 * 2560 + 2 * 6 * 1088 + 25 * 192


def test_a_pooler_and_classes_are_passed_once_a_row():
    found = operations.operations(BertForSequenceClassification(BertConfig(vocab_size=64, **SIZES)))
    assert (found.read, found.row, found.label) == (6 * (LAYER + NORM), 6 * (DENSE + 16 * 2 + 2), 0)


@pytest.mark.parametrize("kind", [BertForSequenceClassification, DistilBertForSequenceClassification])
def test_a_last_layer_is_counted_at_the_tokens_where_it_is_computed(kind):
    of_bert = WIDE | {"intermediate_size": 256}
    of_distilbert = {"vocab_size": 64, "dim": 64, "n_layers": 2, "n_heads": 2, "hidden_dim": 256}
    sizes = of_distilbert if kind is DistilBertForSequenceClassification else of_bert
    model = kind(kind.config_class(**sizes | {"attn_implementation": "sdpa"})).eval()
    whole = operations.operations(model)
    shorten(model)
    found, counter = operations.operations(model), FlopCounterMode(display=False)
    with counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        model(input_ids=torch.ones(3, 20, dtype=torch.int64))
    seen = Seen()
    seen.add(torch.full((3,), 20), torch.tensor([], dtype=torch.int64))
    assert 1 <= found.of(seen, 0) / (3 * counter.get_total_flops()) < 1.02
    assert found.of(seen, 0) < 0.7 * whole.of(seen, 0)
    assert found.attention == whole.attention // 2


def test_a_frozen_weight_takes_four_operations():
    adapted = peft.inject_adapter_in_model(peft.LoraConfig(r=2, target_modules=["query"]), tiny_bert())
    found, whole = operations.operations(adapted), operations.operations(tiny_bert())
    assert found.read == whole.read * 4 // 6 + 6 * (2 * 16 + 16 * 2)
    assert found.label == whole.label * 4 // 6


@pytest.mark.parametrize(
    ("model", "written"),
    [
        (BertForMaskedLM(BertConfig(**WIDE, intermediate_size=256)), 0),
        (GPT2LMHeadModel(GPT2Config(**WIDE)), 0),
        (T5ForConditionalGeneration(T5Config(**WIDE, d_kv=32, d_ff=256)), 8),
    ],
    ids=["encoder", "decoder", "both"],
)
def test_they_are_three_times_those_of_a_forward_pass_that_pytorch_counts(model, written):
    """But for biases and norms, which are no products of matrices: less than a fiftieth."""
    ids, read = torch.ones(3, 20, dtype=torch.int64), 20
    given = {"decoder_input_ids": ids[:, :written]} if written else {}
    counter = FlopCounterMode(display=False)
    with counter:
        model(input_ids=ids, **given)
    seen = Seen(rows=3)
    seen.add(torch.full((3,), read), torch.full((3 if written else 0,), written))
    found = operations.operations(model).of(seen, head_positions=3 * (written or read))
    assert 1 <= found / (3 * counter.get_total_flops()) < 1.02


def untied():
    """A decoder whose head has weights of its own: 60 tokens, 16 wide."""
    return LlamaForCausalLM(LlamaConfig(vocab_size=60, tie_word_embeddings=False, **SIZES))


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT still calls it so
def test_a_head_within_an_adapter_is_passed_where_it_is_computed():
    assert operations.operations(untied()).label == 6 * 60 * 16
    settings = peft.LoraConfig(r=2, target_modules=["lm_head"], task_type="CAUSAL_LM")
    assert operations.operations(peft.get_peft_model(untied(), settings)).label == 4 * 60 * 16 + 6 * 2 * (16 + 60)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT still calls it so
def test_a_head_that_is_trained_beside_an_adapter_counts_once():
    settings = peft.LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["lm_head"], task_type="CAUSAL_LM")
    assert operations.operations(peft.get_peft_model(untied(), settings)).label == 6 * 60 * 16
