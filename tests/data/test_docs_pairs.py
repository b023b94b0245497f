"""Questions and summaries that every Python carries."""

from genai_hf.data import docs_pairs
from genai_hf.data.text_pairs import text_pairs

SOURCE = b'''
"""A module."""

class Box:
    """Hold things. Not more than ten.

    A thing that does not fit is refused, and whoever gave it is told so at once, in one line.
    """

    def open(self):
        """Open the box"""

    def _hidden(self):
        """Nobody sees this."""

def shut(box):
    """Shut the box, e.g. at night."""

def bare():
    pass
'''


def test_definitions_are_public_documented_ones_in_order():
    assert [name for name, _ in docs_pairs.definitions(SOURCE)] == ["Box", "open", "shut"]


def test_a_first_sentence_ends_at_a_full_stop_or_with_its_paragraph():
    assert docs_pairs.first_sentence("Hold things. Not more\nthan ten.\n\nElse: no.") == (
        "Hold things",
        "Not more than ten.\n\nElse: no.",
    )
    assert docs_pairs.first_sentence("Open the\nbox\n\nBy hand.") == ("Open the box", "By hand.")
    assert docs_pairs.first_sentence("Version 3.14 is new.") == ("Version 3.14 is new", "")


def test_a_question_has_every_module_that_defines_such_a_one():
    sources = [("box.py", SOURCE), ("crate/lid.py", SOURCE), ("_box.py", SOURCE)]
    assert docs_pairs._questions(sources) == [
        ("which module defines open, open the box?", ["box", "crate"]),
        ("which module defines shut, shut the box, e.g. at night?", ["box", "crate"]),
    ]  # two words say nothing, so that Box is in no question


def test_a_summary_is_the_first_sentence_and_its_text_the_name_and_the_rest():
    source = SOURCE.replace(b"Hold things", b"Hold several things")
    assert docs_pairs._summaries([("box.py", source), ("copy.py", source)]) == [
        (
            "Box: Not more than ten. A thing that does not fit is refused, and whoever gave it is told so at once, in "
            "one line.",
            ["Hold several things"],
        )
    ]


def test_the_library_gives_thousands_of_questions_that_no_two_sides_share():
    splits = text_pairs(source="python_questions", prefix="question: ").splits
    assert len(splits["train"]) > 2000
    assert 0.08 < len(splits["validation"]) / (len(splits["train"]) + len(splits["validation"])) < 0.12
    assert not set(splits["train"].inputs) & set(splits["validation"].inputs)
    assert all(text.startswith("question: which module defines ") for text in splits["train"].inputs)
    known = {answer for answers in splits["train"].answers for answer in answers}
    assert {"email", "asyncio", "calendar"} <= known
    majority = splits["train"].commonest()
    right = sum(majority in answers for answers in splits["validation"].answers)
    assert right / len(splits["validation"]) < 0.15  # always answering the same says little


def test_the_library_gives_summaries_too():
    splits = text_pairs(source="python_summaries").splits
    assert len(splits["train"]) > 1000
    assert all(len(answers) == 1 for answers in splits["train"].answers)
