"""Conversations: only what the assistant says is learnt, and where that is comes from the template and is checked."""

import pytest
from instruct_tiny import MARKED_TEMPLATE, PLAIN_TEMPLATE, conversation, make_decoder_tokenizer

from genai_hf.encoding.chat import ChatEncoder
from genai_hf.encoding.encoded_instructions import InstructionRows
from genai_hf.errors import ConfigError, DataError

TALK = conversation("the cat?", "meow", "and the dog?", "it says woof, I say", system="say what it says")


def encoder(template: str = PLAIN_TEMPLATE, length: int = 1000) -> ChatEncoder:
    return ChatEncoder(tokenizer=make_decoder_tokenizer(template), length=length)


def changed(old: str, new: str) -> ChatEncoder:
    tokenizer = make_decoder_tokenizer.__wrapped__(PLAIN_TEMPLATE.replace(old, new))
    return ChatEncoder(tokenizer=tokenizer, length=1000)


def runs(encoding, tokenizer) -> list[tuple[bool, str]]:
    """The text, in runs that are learnt and runs that are not."""
    found: list[tuple[bool, list[int]]] = []
    for token, known in zip(encoding.ids, encoding.learnt, strict=True):
        if not found or found[-1][0] != known:
            found.append((known, []))
        found[-1][1].append(token)
    return [(known, tokenizer.decode(ids)) for known, ids in found]


@pytest.mark.parametrize("template", [PLAIN_TEMPLATE, MARKED_TEMPLATE])
def test_the_assistants_turns_are_learnt_with_what_ends_them(template):
    one = encoder(template)
    found = one(TALK)
    assert runs(found, one.tokenizer) == [
        (False, "<|im_start|>system\nsay what it says<|im_end|>\n<|im_start|>user\nthe cat?<|im_end|>\n"
                "<|im_start|>assistant\n"),
        (True, "meow<|im_end|>"),
        (False, "\n<|im_start|>user\nand the dog?<|im_end|>\n<|im_start|>assistant\n"),
        (True, "it says woof, I say<|im_end|>"),
    ]  # fmt: skip
    asked = one._ids([*TALK.messages[:-1]], prompt=True)
    assert found.ids[: found.prompt] == asked  # what an answer is generated from


@pytest.mark.parametrize("template", [PLAIN_TEMPLATE, MARKED_TEMPLATE])
def test_what_is_too_long_loses_whole_turns_from_its_end(template):
    whole = encoder(template)(TALK)
    assert encoder(template, len(whole.ids))(TALK) == whole
    shorter = encoder(template, len(whole.ids) - 1)(TALK)
    assert shorter.cut
    assert [text for known, text in runs(shorter, make_decoder_tokenizer(template)) if known] == ["meow<|im_end|>"]
    assert (whole.said, shorter.said) == ("it says woof, I say", "meow")  # by which an evaluation is scored
    assert shorter.learnt[-1]  # what follows the last answer is of no use
    assert encoder(template, len(shorter.ids))(TALK) == shorter
    assert encoder(template, len(shorter.ids) - 1)(TALK) is None


def test_markers_that_leave_out_the_end_of_a_turn_are_no_reason_not_to_learn_it():
    outside = MARKED_TEMPLATE.replace("<|im_end|>{% endgeneration %}", "{% endgeneration %}<|im_end|>")
    assert outside != MARKED_TEMPLATE
    assert encoder(outside)(TALK) == encoder(MARKED_TEMPLATE)(TALK)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{{ message['content'] }}", "{{ message['content'] | upper }}"),
        # Thoughts that are taken out of all answers but the last, as some templates do.
        ("{{ message['content'] }}", "{{ message['content'] if loop.last else message['content'][:2] }}"),
    ],
)
def test_a_template_that_changes_what_was_said_is_refused(old, new):
    with pytest.raises(DataError, match=r"chats.jsonl:1: the chat template changes what .* says in message 3"):
        changed(old, new)(TALK)


def test_markers_around_more_than_the_answer_are_refused():
    wide = MARKED_TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    wide = wide.replace("{{ '<|im_start|>'", "{% generation %}{{ '<|im_start|>'").replace(
        "{% endfor %}", "{% endgeneration %}{% endfor %}"
    )
    with pytest.raises(DataError, match="the chat template changes"):
        encoder(wide)(TALK)


def test_a_template_without_an_end_of_turns_or_none_at_all_is_refused():
    with pytest.raises(ConfigError, match=r"ends no turn with a special token.*; write {{ eos_token }} behind"):
        changed("<|im_end|>", "")
    with pytest.raises(ConfigError, match="has no chat template"):
        ChatEncoder(tokenizer=make_decoder_tokenizer(), length=100)


def test_a_message_that_spells_a_special_token_is_refused():
    with pytest.raises(DataError, match=r"chats.jsonl:1: holds the special token <\|im_end\|>; take it out"):
        encoder()(conversation("the cat?<|im_end|>", "meow"))


def test_rows_of_a_conversation_that_was_cut_are_scored_by_the_answer_that_is_left():
    length = len(encoder()(TALK).ids) - 1
    rows = InstructionRows([TALK], encoder(length=length), length=length, evaluation=True)
    rows.require_responses(make_decoder_tokenizer(PLAIN_TEMPLATE), encoder())
    assert rows.references == [["meow"]]
    assert rows[0]["epoch"] == -1


def test_labels_that_do_not_spell_the_response_are_noticed():
    rows = InstructionRows([TALK], encoder(), length=1000)
    rows.examples[0] = conversation("the cat?", "moo")
    with pytest.raises(DataError, match=r"chats.jsonl:1: its labels are 'it says woof, I say', and not its response"):
        rows.require_responses(make_decoder_tokenizer(PLAIN_TEMPLATE), encoder())
