"""What a model writes: by hand, in a batch, word by word, up to its end or its limit."""

import functools

import pytest
import torch
from t5_tiny import make_t5, make_t5_tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from genai_hf.analysis.writer import Writer
from genai_hf.errors import ConfigError
from genai_hf.tokenization import train

TEXTS = ["The cat sleeps and the dog eats, and nobody asks why — “naïve” 日本語 🙂."] * 5
GREEDY = {"do_sample": False, "num_beams": 1, "max_new_tokens": 12}
DRAWN = {"do_sample": True, "num_beams": 1, "top_k": 0, "max_new_tokens": 12}
PROMPTS = ["The cat", "and the dog eats, and", "nobody", "The"]


@functools.cache
def decoder(positions=64):
    tokenizer = train(TEXTS, algorithm="byte_bpe", family="gpt2", vocab_size=330, lowercase=False)
    torch.manual_seed(0)
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": positions, "initializer_range": 0.3}
    end = tokenizer.eos_token_id
    config = GPT2Config(vocab_size=len(tokenizer), bos_token_id=end, eos_token_id=end, **sizes)
    return GPT2LMHeadModel(config).eval(), tokenizer


@functools.cache
def encoder_decoder():
    torch.manual_seed(2)
    model, tokenizer = make_t5().eval(), make_t5_tokenizer()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return model, tokenizer


KINDS = [decoder, encoder_decoder]


def writer(kind, settings=GREEDY, **given):
    model, tokenizer = kind()
    return Writer(model=model, tokenizer=tokenizer, settings=settings, **given)


def texts(some, prompts, say=None):
    return [written.text for written in some(some.read(prompts), say)]


def by_hand(kind, prompt, steps):
    """The most probable token, again and again, by whole forward passes."""
    model, tokenizer = kind()
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    written = torch.tensor([[0]]) if model.config.is_encoder_decoder else ids
    start = written.shape[1]
    for _ in range(steps):
        given = {"decoder_input_ids": written} if model.config.is_encoder_decoder else {}
        with torch.no_grad():
            logits = model(input_ids=ids if given else written, use_cache=False, **given).logits
        written = torch.cat([written, logits[:, -1:].argmax(-1)], dim=1)
        if written[0, -1] == tokenizer.eos_token_id:
            break
    return tokenizer.decode([one for one in written[0, start:].tolist() if one != tokenizer.eos_token_id])


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_search_takes_the_most_probable_token_each_time(kind):
    said = texts(writer(kind), PROMPTS)
    assert said == [by_hand(kind, prompt, 12).replace("<pad>", "") for prompt in PROMPTS]
    assert len(set(said)) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_one_beam_and_the_most_probable_one_of_many_are_the_greedy_text(kind):
    greedy = texts(writer(kind), PROMPTS)
    assert texts(writer(kind, GREEDY | {"num_beams": 1, "length_penalty": 1.0}), PROMPTS) == greedy
    assert texts(writer(kind, DRAWN | {"top_k": 1}), PROMPTS) == greedy
    assert texts(writer(kind, DRAWN | {"top_p": 1e-6}), PROMPTS) == greedy
    assert texts(writer(kind, DRAWN), PROMPTS) != greedy


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_of_a_batch_go_on_as_if_each_came_alone(kind):
    model, _ = kind()
    sizes = []
    stack = model.get_encoder() if model.config.is_encoder_decoder else model
    handle = stack.register_forward_pre_hook(
        lambda _, __, given: sizes.append(len(given["input_ids"])), with_kwargs=True
    )
    together = texts(writer(kind), PROMPTS)
    handle.remove()
    assert set(sizes) == {len(PROMPTS)}
    assert together == [texts(writer(kind), [prompt])[0] for prompt in PROMPTS]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_drawn_is_its_seeds_and_each_prompt_has_the_next(kind):
    equal = ["The cat"] * 3
    first = texts(writer(kind, DRAWN, seed=5), equal)
    assert texts(writer(kind, DRAWN, seed=5), equal) == first
    assert len(set(first)) == 3
    assert texts(writer(kind, DRAWN, seed=6), equal[:2]) == first[1:]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_said_word_by_word_is_the_text(kind, seed):
    settings, pieces = DRAWN | {"max_new_tokens": 40}, []
    whole = texts(writer(kind, settings, seed=seed), ["The cat"])
    assert texts(writer(kind, settings, seed=seed), ["The cat"], pieces.append) == whole
    assert "".join(pieces) == whole[0]
    assert len(pieces) > 2 or kind is encoder_decoder  # which writes few spaces


def test_a_text_ends_at_an_end_or_for_want_of_tokens():
    plain = writer(decoder)
    (longest,) = plain(plain.read(["The cat"]))
    assert (longest.tokens, longest.stopped, longest.prompt) == (12, "length", "The cat")
    _, tokenizer = decoder()
    (ids,) = plain._ids(plain.read(["The cat"]), None)
    fourth = ids[3]
    ended = writer(decoder, GREEDY | {"eos_token_id": fourth})
    (short,) = ended(ended.read(["The cat"]))
    assert short.stopped == "end" and short.tokens == ids.index(fourth) + 1
    assert longest.text.startswith(short.text) and short.text == tokenizer.decode(ids[: ids.index(fourth)])
    also = writer(decoder, ends=[fourth])  # beside the model's own
    assert [also.settings["eos_token_id"], *also(also.read(["The cat"]))] == [[tokenizer.eos_token_id, fourth], short]
    word = longest.text[len(short.text) :][0]
    stopped = writer(decoder, GREEDY | {"stop_strings": [word]})
    (until,) = stopped(stopped.read(["The cat"]))
    assert until.stopped == "end" and word in until.text and len(until.text) < len(longest.text)


def test_a_prompt_has_what_training_begins_and_ends_a_text_with():
    _, tokenizer = decoder()
    end = tokenizer.eos_token_id
    assert writer(decoder).read(["The cat"])[0].ids == tokenizer("The cat")["input_ids"]
    assert writer(decoder, begin=[end]).read(["The cat"])[0].ids == [end, *tokenizer("The cat")["input_ids"]]
    assert writer(encoder_decoder).read(["the cat"])[0].ids[-1] == 1


def test_sentinels_are_part_of_the_text_and_ends_are_not():
    _, tokenizer = encoder_decoder()
    sentinel = tokenizer.convert_tokens_to_ids("<extra_id_0>")
    ids = [0, sentinel, *tokenizer("cat", add_special_tokens=False)["input_ids"], 1, 0, 0]
    assert writer(encoder_decoder)._decode(ids) == "<extra_id_0> cat"


def test_the_models_positions_bound_prompt_and_text(capsys):
    tight = writer(functools.partial(decoder, 16), GREEDY)
    _, tokenizer = decoder(16)
    long = "The cat sleeps and the"
    length = len(tokenizer(long)["input_ids"])
    assert 4 < length < 16
    (written,) = tight(tight.read([long]))
    assert (written.tokens, written.stopped) == (16 - length, "length")
    assert capsys.readouterr().err == f"the prompt: {16 - length} new tokens at most, for the model has 16 positions\n"
    assert [prompt.limit for prompt in tight.read(["The", long])] == [12, 16 - length]
    assert capsys.readouterr().err.startswith("prompt 2: ")
    number = len(tokenizer(long * 5)["input_ids"])
    with pytest.raises(ConfigError, match=f"prompt 2 has {number} tokens, and the model 16 positions; shorten it"):
        tight.read(["The", long * 5])
    assert texts(tight, ["The", long, "The cat"]) == [texts(tight, [text])[0] for text in ("The", long, "The cat")]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (GREEDY | {"temperature": 0.5}, "'generation': `temperature`: `do_sample` is not set to `True`."),
        (GREEDY | {"early_stopping": "soon"}, "'generation': `early_stopping` must be"),
        (DRAWN | {"temperature": 0.0}, r"'generation': `temperature` \(=0.0\) has to be a strictly positive float"),
        (DRAWN | {"top_p": -0.5}, "'generation': `top_p` has to be a float > 0 and < 1"),
        (
            GREEDY | {"eos_token_id": [1, 10**6]},
            r"'generation.eos_token_id': 1000000 is none of the model's \d+ tokens",
        ),
        (GREEDY | {"suppress_tokens": [10**6]}, "'generation.suppress_tokens': 1000000 is none of the model's"),
    ],
)
def test_settings_that_contradict_each_other_or_mean_nothing_are_refused(settings, said):
    with pytest.raises(ConfigError, match=said) as caught:
        texts(writer(decoder, settings), ["The cat"])
    assert "\n" not in str(caught.value)


TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"


def test_a_turn_is_read_by_the_template_with_all_that_was_said(monkeypatch):
    some = writer(decoder, DRAWN, seed=3)
    messages = [{"role": "user", "content": "The cat"}]
    with pytest.raises(ConfigError, match="has no chat template"):
        some.read_turn(messages)
    monkeypatch.setattr(some.tokenizer, "chat_template", TEMPLATE)
    first = some.read_turn(messages)
    assert first.ids == some.tokenizer("user: The cat\nassistant:")["input_ids"]
    messages += [{"role": "assistant", "content": "eats"}, {"role": "user", "content": "why"}]
    second = some.read_turn(messages)
    assert second.ids == some.tokenizer("user: The cat\nassistant: eats\nuser: why\nassistant:")["input_ids"]
    assert (first.text, first.seed, second.text, second.seed) == ("The cat", 3, "why", 4)


def test_where_torch_knows_gpus_and_there_is_none_the_processor_writes(tmp_path, monkeypatch):
    def built_for(check_available=False):
        return None if check_available else torch.device("cuda")

    model, tokenizer = decoder()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", built_for)
    assert Writer.of(str(tmp_path), GREEDY).model.device.type == "cpu"
