"""Prompts with their responses as token ids: what is learnt, and what gives way when there is too little room."""

import pytest
from instruct_tiny import example, make_decoder_tokenizer
from t5_tiny import make_t5_tokenizer
from tokenizers import processors

from genai_hf.data.wording import Wording
from genai_hf.encoding.prompts import PromptEncoder, opening

TOKENIZER = make_decoder_tokenizer()
TWO = Wording(wording="tk_instruct", positive=2, negative=1)


def encoder(length: int = 1000, wording: Wording = TWO) -> PromptEncoder:
    return PromptEncoder(tokenizer=TOKENIZER, wording=wording, length=length)


def parts(encoding) -> tuple[str, str]:
    """The text before what is learnt, and what is learnt."""
    learnt = [token for token, known in zip(encoding.ids, encoding.learnt, strict=True) if known]
    return TOKENIZER.decode(encoding.ids[: encoding.prompt]), TOKENIZER.decode(learnt)


def test_the_response_and_its_end_are_learnt_and_nothing_else():
    found = encoder()(example())
    text = "".join(part.text for part in TWO(example().instruction, "the cat"))
    assert parts(found) == (text.rstrip(" "), " meow<|endoftext|>")  # the space is the response's, as within a text
    assert found.learnt == [False] * found.prompt + [True] * (len(found.ids) - found.prompt)
    assert found.ids == [*TOKENIZER(text + "meow")["input_ids"], TOKENIZER.eos_token_id]
    assert (found.dropped, found.cut) == (0, False)


def test_examples_give_way_from_the_last_and_then_the_end_of_the_input_but_never_the_response():
    given, response = "the cat and the dog and the cow and the owl", "meow or woof or moo, or rather nothing at all"
    one, seen = example(given, response), []
    whole = len(encoder()(one).ids)
    for length in range(whole, 0, -1):
        found = encoder(length)(one)
        if found is None:
            break
        prompt, said = parts(found)
        assert len(found.ids) <= length
        assert said == f" {response}<|endoftext|>"
        assert prompt.startswith("Definition: Say what it says.\n\n")
        assert prompt.endswith("\nOutput:")
        kept = prompt.rpartition("Input: ")[2].removesuffix("\nOutput:")
        assert found.cut == (kept != f"{given}.")
        assert kept
        assert given.startswith(kept.removesuffix("."))
        shown = [name for name in ("Positive Example 1", "Positive Example 2", "Negative Example 1") if name in prompt]
        assert len(shown) == 3 - found.dropped
        assert not found.cut or found.dropped == 3
        seen.append((shown, found.cut))
    kinds = [shown for place, (shown, _) in enumerate(seen) if not place or seen[place - 1][0] != shown]
    every = ["Positive Example 1", "Positive Example 2", "Negative Example 1"]
    assert kinds == [every, every[:2], every[:1], []]
    assert length > len(TOKENIZER(response)["input_ids"])  # there came a length with no room
    assert {cut for shown, cut in seen if not shown} == {False, True}


def test_text_that_spells_a_special_token_is_text():
    found = encoder()(example("<|endoftext|>", "say <|endoftext|> now"))
    assert found.ids.count(TOKENIZER.eos_token_id) == 1
    assert parts(found)[1] == " say <|endoftext|> now<|endoftext|>"


def test_alpaca_without_an_input_cuts_its_instruction():
    one = example("", definition="Say what the cat says, or the dog, or the cow, or the owl.")
    alpaca = Wording(wording="alpaca")
    whole = len(encoder(wording=alpaca)(one).ids)
    cut = encoder(whole - 6, alpaca)(one)
    assert cut.cut
    prompt, said = parts(cut)
    assert "Say what the cat says, or the" in prompt
    assert "owl" not in prompt
    assert prompt.endswith("\n\n### Response:")
    assert said == "meow<|endoftext|>"


def test_what_a_tokenizer_sets_before_every_text_stands_once_and_what_it_sets_behind_does_not():
    assert opening(TOKENIZER) == []
    other = make_decoder_tokenizer.__wrapped__()
    other.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A <|endoftext|>", special_tokens=[("<|endoftext|>", other.eos_token_id)]
    )
    assert opening(other) == [other.eos_token_id]
    found = PromptEncoder(tokenizer=other, wording=TWO, length=1000)(example())
    assert found.ids == [other.eos_token_id, *encoder()(example()).ids]
    assert found.prompt == encoder()(example()).prompt + 1
    assert opening(make_t5_tokenizer()) == []


@pytest.mark.parametrize("response", ["meow", "(meow)", "…", "12", "a\nb"])
def test_what_is_learnt_spells_the_response(response):
    for wording in (TWO, Wording(wording="alpaca"), Wording(wording="natural_instructions_v1")):
        one = encoder(wording=wording)
        found = one(example(response=response))
        assert parts(found)[1].removesuffix("<|endoftext|>").strip() == one.response(example(response=response))
        alone = one._ids(parts(found)[0])
        assert found.ids[: found.prompt] == alone  # what is generated from is what was trained on


def test_a_letter_of_several_tokens_is_kept_whole_or_left_out():
    one = example("hello 😀😀", "meow")
    whole = len(encoder()(one).ids)
    found = [encoder(length)(one) for length in range(whole, whole - 9, -1)]
    texts = [parts(some)[0].rpartition("Input: ")[2].removesuffix("\nOutput:") for some in found if some is not None]
    assert len(texts) > 3
    assert {text.rstrip(".").rstrip(" ") for text in texts} <= {
        "hello 😀😀",
        "hello 😀",
        "hello",
        "hell",
        "hel",
        "he",
        "h",
    }
