"""docs/errors.md is what the tests make of it."""

import explain


def test_the_tables_of_the_page_are_those_of_this_room():
    page = explain.PAGE.read_text(encoding="utf-8")
    assert explain.tables() in page, "make it anew: see tests/refusals/explain.py"


def test_every_function_that_says_something_to_the_user_is_on_the_page_or_its_messages_are():
    page = explain.PAGE.read_text(encoding="utf-8")
    missing = [name for name in explain.refusals() if f"`{name}`" not in page]
    assert not missing, "run the tests with GENAI_HF_ERRORS and make it anew: see tests/refusals/explain.py"
