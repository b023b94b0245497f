import math
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from genai_hf.reports.canvas import legend_places, tick_names, tidy
from genai_hf.reports.curves import draw, embed, heat_map, labelled_bars, thin
from genai_hf.reports.sections import Figure

LINE = Figure("Loss", "step", "nats", {"training": [(0, 9), (1, 8), (2, 6)], "validation": [(0, 9), (2, 7)]})


def texts(document):
    return [element.text for element in ET.fromstring(document).iter("{http://www.w3.org/2000/svg}text")]


def test_a_figure_names_its_axes_and_series():
    found = texts(draw(LINE))
    assert {"nats", "step", "training", "validation", "0", "1", "2", "6", "9"} <= set(found)


def test_a_single_series_needs_no_legend():
    assert "only" not in texts(draw(Figure("f", "x", "y", {"only": [(0, 1), (1, 2)]})))


def test_the_same_figure_gives_the_same_bytes_and_no_date():
    assert draw(LINE) == draw(LINE)
    assert "date" not in draw(LINE)
    assert "matplotlib.org" not in draw(LINE)


def test_figures_of_other_titles_share_no_identifiers():
    other = Figure("Other", "step", "nats", LINE.series)
    first, second = (set(re.findall(r'id="(\w+)"', embed(draw(figure)))) for figure in (LINE, other))
    assert first
    assert not first & second


def test_an_embedded_figure_takes_its_colours_and_font_from_the_page():
    element = embed(draw(LINE))
    assert element.startswith("<svg viewBox=")
    assert "currentColor" in element
    assert "var(--series-0)" in element
    assert "var(--series-1)" in element
    assert not re.search(r"#[0-9a-f]{6}|http|font-family|<style|<\?xml", element)
    HTMLParser().feed(element)


@pytest.mark.parametrize("log", [False, True])
def test_points_that_cannot_be_drawn_are_left_out(log):
    points = [(0.0, math.nan), (-1.0, 5.0), (1.0, -2.0), (2.0, math.inf), (3.0, 4.0), (4.0, 5.0)]
    document = draw(Figure("f", "x", "y", {"s": points, "empty": []}, log_x=log, log_y=log))
    assert not re.search(r"\b(nan|inf)\b", document)
    assert "empty" not in texts(document)


def test_few_points_are_marked_and_levels_are_not():
    def marks(points):
        return draw(Figure("f", "", "", {"s": points})).count("<use")

    assert marks([(0, 1)]) - marks([]) == 1
    assert marks([(0, 1), (1, 2)]) - marks([]) == 2
    assert marks([(0, 1), (1, 1)]) - marks([]) == 0
    assert marks([(float(i), i % 7) for i in range(25)]) - marks([]) == 0


def test_a_figure_without_points_is_drawn_empty():
    assert draw(Figure("f", "x", "y", {})) == draw(Figure("f", "x", "y", {"s": []}))
    assert "y" in texts(draw(Figure("f", "x", "y", {}, kind="bar")))


def test_bars_of_one_point_each_are_labelled_with_name_and_number():
    document = draw(Figure("f", "", "count", {"the": [(0, 5120)], "of": [(0, 4100)]}, kind="bar"))
    assert [text for text in texts(document) if text] == ["the", "5,120", "of", "4,100", "count"]


def test_bars_at_places_stand_side_by_side():
    document = draw(Figure("f", "length", "", {"a": [(1, 2), (2, 3)], "b": [(1, 1), (2, 5)]}, kind="bar"))
    assert {"a", "b", "length", "1", "2"} <= set(texts(document))


def test_after_forty_bars_the_rest_is_counted():
    found = texts(labelled_bars("s", "y", {f"bar {i}": float(i) for i in range(45)}))
    assert "bar 39" in found
    assert "bar 40" not in found
    assert "and 5 more" in found


def test_a_heat_map_writes_its_numbers_and_leaves_unknown_cells_empty():
    found = texts(heat_map("s", "loss", (["a", "b"], ["1", "2"]), [[4.5, 3.5], [None, 2.5]]))
    assert found == ["1", "2", "a", "b", "4.500", "3.500", "2.500", "loss"]


def test_labels_that_no_font_knows_or_that_look_like_formulas_warn_of_nothing_and_stay_as_they_are():
    found = texts(draw(Figure("f", "$x^$ <b>", "日本 𝄞", {"_a": [(0, 1)], "$\\frac": [(0, 2)]})))
    assert {"$x^$ <b>", "日本 𝄞", "_a", "$\\frac"} <= set(found)


def test_many_points_are_thinned_and_keep_ends_and_extremes():
    points = [(float(i), math.sin(i / 500)) for i in range(10_000)]
    points[5_003] = (5_003.0, 40.0)
    kept = thin(points)
    assert len(kept) <= 400
    assert kept == sorted(kept)
    assert {points[0], points[-1], points[5_003]} <= set(kept)
    assert thin(points[:400]) == points[:400]


@pytest.mark.parametrize(
    ("ticks", "names"),
    [
        ([0, 2.5, 5], ["0.0", "2.5", "5.0"]),
        ([0, 250, 1000], ["0", "250", "1,000"]),
        ([0, 0.0001, 0.0002], ["0", "0.0001", "0.0002"]),
        ([0, 5e-6, 1e-5], ["0", "5e-6", "1e-5"]),
        ([4.6, 4.625, 4.65], ["4.600", "4.625", "4.650"]),
        ([-1, 0], ["-1", "0"]),
        ([3], ["3"]),
        ([], []),
    ],
)
def test_ticks_have_as_few_decimals_as_tell_them_apart(ticks, names):
    assert tick_names(ticks) == names


@pytest.mark.parametrize(
    ("values", "names"),
    [([1e-5, 1e-3], {"1e-5", "1e-4", "1e-3"}), ([90, 9000], {"100", "1,000"}), ([400, 900], {"500"})],
)
def test_logarithmic_axes_name_powers_of_ten_or_steps_between(values, names):
    assert names <= set(texts(draw(Figure("f", "", "", {"s": [(0, values[0]), (1, values[1])]}, log_y=True))))


def test_whole_numbers_across_have_whole_ticks():
    found = texts(draw(Figure("f", "", "", {"s": [(0, 0.0), (3, 0.5)]})))
    assert {"0", "1", "2", "3"} <= set(found)
    assert "1.5" not in found


def test_names_of_series_flow_over_lines():
    assert legend_places(["a", "b"], 400) == [(2.0, 0), (pytest.approx(46.58), 0)]
    assert [line for _, line in legend_places(["x" * 30] * 3, 400)] == [0, 1, 2]


def test_a_label_is_one_short_printable_line():
    assert tidy(" a\nb\x00c\u202e ") == "a b c"
    assert tidy("x" * 100, 10) == "xxxxxxxxx…"
