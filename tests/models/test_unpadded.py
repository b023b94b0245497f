"""Layers that read no padding give what padded ones give, for each real token and each weight."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from tiny_models import ARCHITECTURES, CLASSIFIES, METHODS, SIZES, STILL, adapted, model_of
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification

from genai_hf.errors import ConfigError
from genai_hf.models import on_cpu, unpadded
from genai_hf.models.last_layer import shorten
from genai_hf.models.unpadded import Layout, unpad

MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]])
IDS = torch.tensor([[7, 8, 9, 10, 11], [12, 13, 0, 0, 0], [14, 0, 15, 0, 0]])  # a token may have the id of padding
T5 = ["t5", "mt5"]
KIN = ["bert", "roberta", "distilbert", "camembert", "electra", "xlm-roberta"]


def encoder(architecture, **sizes):
    """A model with a head for texts, in double precision."""
    if architecture in ARCHITECTURES and not sizes:
        return model_of(architecture, CLASSIFIES).double()
    torch.manual_seed(0)
    settings = AutoConfig.for_model(architecture, **SIZES | STILL | sizes)
    return AutoModelForSequenceClassification.from_config(settings).double()


def t5(architecture="t5"):
    """A T5, likewise; of other depths than these two transformers makes too short a cache in writing."""
    torch.manual_seed(0)
    settings = AutoConfig.for_model(architecture, **ARCHITECTURES["t5"] | {"num_decoder_layers": 2})
    return AutoModelForSeq2SeqLM.from_config(settings).double()


def of_each_text(query, key, value, starts, same, longest, same_longest, *, scale):
    """What `varlen_attn` computes, a text at a time."""
    assert starts is same
    assert starts.dtype == torch.int32
    assert longest == same_longest >= starts.diff().max()
    pieces = []
    for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        states = [tensor[first:last].transpose(0, 1)[None] for tensor in (query, key, value)]
        pieces.append(F.scaled_dot_product_attention(*states, scale=scale)[0].transpose(0, 1))
    return torch.cat(pieces)


def numbers(model, **more):
    """Of every weight its gradient, and what the model says, for a loss that no padding has a part in."""
    model.zero_grad()
    given = {"input_ids": IDS, "attention_mask": MASK} | more
    if model.config.is_encoder_decoder:
        given["decoder_input_ids"] = torch.arange(12).view(3, 4) + 5
    logits = model(**given).logits
    (logits * torch.linspace(-1, 1, logits.numel(), dtype=logits.dtype).view_as(logits)).sum().backward()
    return {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None} | {"": logits}


def require_alike(found, expected, **tolerance):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, **tolerance, msg=lambda said, of=name: f"{of}: {said}")


def shapes(model, kind="Linear"):
    """Of the states that the linear layers of the encoder's body read, in the order of the calls."""
    seen = []
    for name, module in model.named_modules():
        if type(module).__name__ == kind and ("layer." in name or "block." in name) and "decoder" not in name:
            module.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape[:-1])))
    return seen


def test_where_the_real_tokens_are():
    layout = Layout.of(MASK)
    assert layout.places.tolist() == [0, 1, 2, 3, 4, 5, 6, 10, 11, 12]
    assert layout.starts.tolist() == [0, 5, 7, 10]
    assert (layout.starts.dtype, layout.rows, layout.length) == (torch.int32, 3, 5)
    assert layout.padding == pytest.approx(1 / 3)


def test_what_is_packed_and_padded_again_has_zeros_for_padding():
    layout, states = Layout.of(MASK), torch.arange(1.0, 31).view(3, 5, 2)
    packed = layout.pack(states)
    assert packed[0, :, 0].tolist() == [1, 3, 5, 7, 9, 11, 13, 21, 23, 25]
    assert torch.equal(layout.pad(packed), states * MASK[:, :, None])


@pytest.mark.parametrize("architecture", KIN)
@pytest.mark.parametrize("mask", [MASK.flip(1), MASK * torch.tensor([[1], [0], [1]])], ids=["before texts", "no text"])
def test_where_a_row_begins_with_padding_a_head_reads_what_it_read(architecture, mask):
    model = encoder(architecture).eval()
    given = {"input_ids": IDS, "attention_mask": mask}
    expected = model(**given).logits
    unpad(model, "always")
    shorten(model)
    torch.testing.assert_close(model(**given).logits, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("architecture", [*KIN, *T5])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("way", ["sdpa", "matrices", "kernel"])
def test_the_numbers_are_those_of_padded_layers(architecture, checkpointing, way, monkeypatch):
    is_t5 = architecture in T5
    model = (t5(architecture) if is_t5 else encoder(architecture)).train()
    if checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    expected, calls = numbers(model), []
    if way == "matrices":
        monkeypatch.setattr(on_cpu, "_pays", lambda query, key, dropout, *, causal: True)
        on_cpu.quicken(model)
    if way == "kernel":
        monkeypatch.setattr(unpadded, "_suits", lambda query: True)
        monkeypatch.setattr(
            unpadded, "varlen_attn", lambda *given, **named: calls.append(1) or of_each_text(*given, **named)
        )
    unpad(model, "always")
    seen = shapes(model)
    require_alike(numbers(model), expected, rtol=1e-9, atol=1e-12)
    assert set(seen) == {(1, 10)}
    assert len(calls) == (way == "kernel" and not is_t5) * 2 * (
        1 + checkpointing
    )  # a T5's bias of positions it cannot have


@pytest.mark.parametrize("architecture", ["bert", "roberta", "t5"])
def test_in_single_precision_they_are_within_a_millionth(architecture):
    model = (t5() if architecture == "t5" else encoder(architecture)).float().train()
    expected = numbers(model)
    unpad(model, "always")
    require_alike(numbers(model), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_an_adapter_notices_nothing(method):
    models = [adapted(model_of("bert", CLASSIFIES), method).double() for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    unpad(models[1], "always")
    seen = shapes(models[1])
    torch.manual_seed(0)
    expected = numbers(models[0].eval())
    torch.manual_seed(0)
    require_alike(numbers(models[1].eval()), expected, rtol=1e-9, atol=1e-12)
    longest = 5 + 3 * (method in {"prompt", "p_tuning", "p_tuning, LSTM"})
    padded = method.startswith("prefix")  # its vectors stand in a cache, of padded rows
    read = {shape for shape in seen if len(shape) == 2}  # DoRA's layers read their own weights too
    assert read == {(3, longest) if padded else (1, 10 + 3 * (longest - 5))}


def test_a_bert_of_two_kinds_of_tokens_has_each_where_it_stood():
    model = encoder("bert").train()
    more = {"token_type_ids": torch.tensor([[0, 0, 1, 1, 1], [0, 1, 0, 0, 0], [0, 1, 1, 0, 0]])}
    expected = numbers(model, **more)
    unpad(model, "always")
    require_alike(numbers(model, **more), expected, rtol=1e-9, atol=1e-12)


def test_dropout_drops_as_often_and_the_kernel_is_not_asked_for_it(monkeypatch):
    monkeypatch.setattr(unpadded, "_suits", lambda query: True)
    monkeypatch.setattr(unpadded, "varlen_attn", None)
    model = encoder("bert", attention_probs_dropout_prob=0.3).train()
    unpad(model, "always")
    mean = torch.stack([model(input_ids=IDS, attention_mask=MASK).logits.detach() for _ in range(400)])
    plain = encoder("bert", attention_probs_dropout_prob=0.3).train()
    theirs = torch.stack([plain(input_ids=IDS, attention_mask=MASK).logits.detach() for _ in range(400)])
    error = (mean.var(0) / 400 + theirs.var(0) / 400).sqrt()
    assert ((mean.mean(0) - theirs.mean(0)).abs() < 4 * error).all()
    assert (mean.std(0) > 0).all()


@pytest.mark.parametrize(("share", "packed"), [(0.2, True), (0.1, False)])
def test_of_itself_only_where_much_is_padding(share, packed):
    model = encoder("bert").eval()
    unpad(model)
    seen = shapes(model)
    mask = torch.ones(2, 20, dtype=torch.long)
    mask[1, 20 - round(40 * share) :] = 0
    model(input_ids=torch.full((2, 20), 7), attention_mask=mask)
    assert set(seen) == {(1, 40 - round(40 * share)) if packed else (2, 20)}


def test_without_padding_nothing_is_packed():
    model = encoder("bert").eval()
    unpad(model, "always")
    seen = shapes(model)
    model(input_ids=IDS, attention_mask=torch.ones_like(MASK))
    model(input_ids=IDS)
    assert set(seen) == {(3, 5)}


def test_who_asks_for_the_states_of_all_layers_gets_them_of_padded_rows():
    model = encoder("bert").eval()
    unpad(model, "always")
    given = {"input_ids": IDS, "attention_mask": MASK}
    assert model(**given, output_hidden_states=True).hidden_states[1].shape[:2] == (3, 5)
    model.config.output_hidden_states = True
    seen = shapes(model)
    model(**given)
    assert set(seen) == {(3, 5)}


def test_a_t5_writes_what_it_wrote():
    model = t5().eval()
    given = {"input_ids": IDS, "attention_mask": MASK, "max_new_tokens": 6, "do_sample": False}
    expected = model.generate(**given)
    unpad(model, "always")
    seen = shapes(model)
    assert torch.equal(model.generate(**given), expected)
    assert (1, 10) in seen


@pytest.mark.parametrize(
    "model",
    [
        lambda: model_of("llama", "CausalLM"),
        lambda: model_of("modernbert", "MaskedLM"),
        lambda: encoder("bert", attn_implementation="eager"),
        lambda: encoder("bert", is_decoder=True),
        lambda: encoder("bert", chunk_size_feed_forward=5),
    ],
    ids=["decoder", "layers of its own", "attention of its own", "an encoder as decoder", "feed-forward in chunks"],
)
def test_others_are_left_as_they_are_and_refused_where_they_are_asked(model):
    model = model()
    way = model.config._attn_implementation
    unpad(model)
    unpad(model, "library")
    assert model.config._attn_implementation == way
    with pytest.raises(
        ConfigError, match=rf"'speed\.unpadded': the layers of {model.config.model_type} cannot do without padding"
    ):
        unpad(model, "always")
