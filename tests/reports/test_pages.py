import pytest

from genai_hf.reports import pages
from genai_hf.reports.sections import Figure, Table


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("`x`", r"\`x\`"),
        ("one\ntwo\r\nthree", "one<br>two<br>three"),
        ("<b>&amp; R&D", "&lt;b>&amp;amp; R&D"),
        ("*a* _b_ snake_case ~c~", r"\*a\* \_b\_ snake_case \~c\~"),
        ("[x](y)", r"\[x\](y)"),
        ("# no heading", r"\# no heading"),
        ("##ing", "##ing"),
        ("- no list", r"\- no list"),
        ("-0.5", "-0.5"),
        ("> no quote", r"\> no quote"),
        ("$x$", r"\$x\$"),
        (r"C:\new", r"C:\\new"),
        ("a\x00b", "a\ufffdb"),
        ("日本 𝄞", "日本 𝄞"),
    ],
)
def test_markdown_shows_text_letter_by_letter_on_one_line(text, escaped):
    assert pages.escape_markdown(text) == escaped


def test_what_is_markdown_already_is_left_alone():
    once = pages.escape_markdown("a|b")
    assert pages.escape_markdown(once) == r"a\|b"


def test_a_fence_is_longer_than_any_run_of_backticks_within():
    assert pages.fenced("x", "sh") == "```sh\nx\n```"
    assert pages.fenced("a\n````\nb") == "`````\na\n````\nb\n`````"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (False, "no"), (3, "3"), (0.25, "0.250"), ("a\r\nb\rc", "a\nb\nc")],
)
def test_cells_are_text(value, text):
    assert pages.cell(value) == text


def test_what_cannot_be_printed_is_marked():
    assert pages.cell("a\ud800\x1b\x00\u202eb") == "a\ufffd\ufffd\ufffd\ufffdb"


def test_a_cell_of_any_length_stays_short():
    assert pages.cell("x" * 5000) == "x" * 2000 + "… (5,000 letters)"


def test_columns_of_numbers_are_known_and_the_first_names_its_row():
    table = Table("t", ["step", "a", "b", "c", "d"], [[1, 2, "3.5%", "x", None], [2, None, "1e-5", "1", None]])
    assert pages.numeric(table) == [False, True, True, False, False]
    assert pages.numeric(Table("t", ["a", "b"], [])) == [False, False]


def test_cells_of_a_table_lead_to_their_links():
    table = Table("t", ["a", "b"], [["x", "y"], ["z", "|"]])
    assert pages.markdown_table(table, ["p/q.md", ""], 1) == "\n".join(
        ["| a | b |", "| --- | --- |", "| x | [y](p/q.md) |", r"| z | \| |"]
    )


@pytest.mark.parametrize(
    ("values", "logarithmic", "shape"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], False, "▁▂▃▄▅▆▇█"),
        ([5, 5, 5], False, "▁▁▁"),
        ([], False, ""),
        ([1, 10, 100], True, "▁▅█"),
        ([1, 10, 100], False, "▁▁█"),
        (list(range(100)), False, "▁▁▁▂▂▂▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇███"),
    ],
)
def test_sparklines_show_the_shape(values, logarithmic, shape):
    assert pages.sparkline(values, logarithmic) == shape


def test_a_figure_of_single_values_is_a_list_in_markdown():
    figure = Figure("f", "token", "count", {"the": [(0, 5120)], "of": [(0, 4100)]}, kind="bar")
    assert pages.markdown_figure(figure) == "\n".join(
        ["| token | count |", "| --- | ---: |", "| the | 5,120 |", "| of | 4,100 |"]
    )
