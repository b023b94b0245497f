"""A decoder's outputs are those of the last real token, an encoder's are its own; padding changes neither."""

import pytest
import torch
import transformers
from torch import nn

from genai_hf.models.pooling import last_token, score_head

PAD, END = 0, 3
NAMED = {"vocab_size": 64, "pad_token_id": PAD, "bos_token_id": 2, "eos_token_id": END, "num_labels": 3}
SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,  # large, so that a wrong token shows
}
SMALL_GPT = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64, "initializer_range": 0.2}
DECODERS = {
    "gpt2": SMALL_GPT,
    "openai-gpt": SMALL_GPT,
    "llama": SIZES,
    "qwen3": SIZES | {"head_dim": 8, "num_key_value_heads": 2},
    "gpt_neox": SIZES,
    "opt": SIZES | {"word_embed_proj_dim": 16, "ffn_dim": 32, "init_std": 0.2},
}
ENCODERS = {
    "bert": SIZES,
    "roberta": SIZES,
    "mpnet": SIZES,
    "modernbert": SIZES | {"cls_token_id": 2, "sep_token_id": END},
    "electra": SIZES | {"embedding_size": 16},
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 64},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "decoder_start_token_id": PAD},
}
TEXTS = [[2, 9, 8, END], [2, 7, 41, 22, 13, 30, END], [2, END]]
# The id of padding inside a text, at its end, at its beginning, and nowhere else.
AWKWARD = [[9, PAD, 8, 5], [7, 41, 22, PAD, PAD], [PAD, 12, 30, 6, 7, 8], [PAD, PAD], [11, PAD]]


def tiny(kind: str, sizes: dict) -> nn.Module:
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(kind, **NAMED | sizes)
    return transformers.AutoModelForSequenceClassification.from_config(config).double().eval()


def padded(rows: list[list[int]], width: int, left: bool = False) -> dict[str, torch.Tensor]:
    ids, mask = torch.full((len(rows), width), PAD), torch.zeros(len(rows), width, dtype=torch.long)
    for number, row in enumerate(rows):
        place = slice(width - len(row), width) if left else slice(0, len(row))
        ids[number, place], mask[number, place] = torch.tensor(row), 1
    return {"input_ids": ids, "attention_mask": mask}


@torch.no_grad()
def outputs(model: nn.Module, batch: dict[str, torch.Tensor], **more: torch.Tensor) -> torch.Tensor:
    with last_token(model, batch["attention_mask"]):
        return model(**batch, **more).logits


@torch.no_grad()
def alone(model: nn.Module, rows: list[list[int]]) -> torch.Tensor:
    """Outputs of each row on its own, read from the head at its last place."""
    seen: list[torch.Tensor] = []
    handle = score_head(model).register_forward_hook(lambda *given: seen.append(given[2][0, -1]))
    for row in rows:
        model(input_ids=torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.long))
    handle.remove()
    return torch.stack(seen)


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("rows", [TEXTS, AWKWARD], ids=["plain", "padding in the text"])
def test_a_decoder_reads_the_last_token_of_each_row_whatever_its_id(kind, rows):
    model = tiny(kind, DECODERS[kind])
    for width in (max(map(len, rows)), 12):
        found = outputs(model, padded(rows, width))
        torch.testing.assert_close(found, alone(model, rows), atol=1e-9, rtol=0)


def test_upstream_reads_another_token_where_a_text_ends_with_the_id_of_padding():
    """Why the hook is there; when this fails, upstream goes by the mask."""
    model = tiny("gpt2", DECODERS["gpt2"])
    with torch.no_grad():
        theirs = model(**padded(AWKWARD, 12)).logits
    assert float((theirs - alone(model, AWKWARD)).abs().max()) > 0.1


def test_llama_may_be_padded_on_the_left_as_it_is():
    model = tiny("llama", SIZES)
    torch.testing.assert_close(
        outputs(model, padded(AWKWARD, 12, left=True)), alone(model, AWKWARD), atol=1e-6, rtol=0
    )  # its positions are relative, up to sines and cosines in single precision


def test_gpt2_may_be_padded_on_the_left_with_position_ids_only():
    model, batch = tiny("gpt2", SMALL_GPT), padded(AWKWARD, 12, left=True)
    positions = (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)
    found = outputs(model, batch, position_ids=positions)
    torch.testing.assert_close(found, alone(model, AWKWARD), atol=1e-9, rtol=0)
    assert float((outputs(model, batch) - alone(model, AWKWARD)).abs().max()) > 0.01


@pytest.mark.parametrize("kind", ENCODERS)
def test_an_encoder_is_left_as_it_is_and_padding_does_not_change_it(kind):
    model = tiny(kind, ENCODERS[kind])
    assert score_head(model) is None
    with torch.no_grad():
        own = torch.cat([model(**padded([row], len(row))).logits for row in TEXTS])
    torch.testing.assert_close(outputs(model, padded(TEXTS, 7)), own, atol=1e-9, rtol=0)
    torch.testing.assert_close(outputs(model, padded(TEXTS, 12)), own, atol=1e-9, rtol=0)


def test_gradients_reach_the_body_through_the_last_token_only():
    model, rows = tiny("llama", SIZES), [[9, 8, PAD], [7, 6, 5]]
    batch = padded([[*row, 11, 12] for row in rows], 5)
    batch["attention_mask"][:, 3:] = 0  # what stands there is read by nobody
    with last_token(model, batch["attention_mask"]):
        model(**batch).logits.square().sum().backward()
    whole = model.model.embed_tokens.weight.grad.clone()
    model.zero_grad()
    for row in rows:
        one = padded([row], 3)
        with last_token(model, one["attention_mask"]):
            model(**one).logits.square().sum().backward()
    torch.testing.assert_close(model.model.embed_tokens.weight.grad, whole, atol=1e-9, rtol=0)
    assert float(whole[[11, 12]].abs().max()) == 0.0
    assert float(whole[[9, 8, 7, 6, 5]].abs().min(1).values.max()) > 0.0


def test_afterwards_the_model_is_as_before_even_if_its_forward_failed():
    model, batch = tiny("gpt2", SMALL_GPT), padded(AWKWARD, 12)
    with torch.no_grad():
        before = model(**batch).logits
    with pytest.raises(IndexError), last_token(model, batch["attention_mask"]):
        model(input_ids=torch.tensor([[10_000]]))
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, before)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft asks for it
def test_the_head_is_found_behind_an_adapter():
    import peft

    model = tiny("llama", SIZES)
    wanted = alone(model, AWKWARD)
    adapted = peft.get_peft_model(
        model, peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["q_proj"], modules_to_save=["score"])
    ).eval()
    torch.testing.assert_close(outputs(adapted, padded(AWKWARD, 12)), wanted, atol=1e-9, rtol=0)
