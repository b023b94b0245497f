import math

import pytest

from genai_hf.reports import words


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("eval_token_accuracy", "token accuracy (validation)"),
        ("eval_loss", "loss (validation)"),
        ("loss", "loss (training)"),
        ("train_loss", "loss (training)"),
        ("tokens_per_second", "tokens per second"),
        ("test_f1", "F1 (test)"),
        ("grad_norm", "gradient norm"),
        ("mfu", "MFU"),
        ("eval", "eval"),
    ],
)
def test_metrics_are_named_in_words(key, name):
    assert words.metric_name(key) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (3.0, "3"),
        (8192, "8,192"),
        (8211.4, "8,211"),
        (247.31, "247.3"),
        (23.456, "23.46"),
        (5.5123, "5.512"),
        (-5.5123, "-5.512"),
        (0.25, "0.250"),
        (0.03127, "0.0313"),
        (0.0005, "5e-4"),
        (0.00001234, "1.23e-5"),
        (1.5e20, "1.5e20"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_numbers_have_about_four_digits(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("eval_accuracy", 0.2314, "23.1%"),
        ("eval_accuracy", 0.00012, "0.01%"),
        ("eval_accuracy", 0.0, "0.0%"),
        ("eval_accuracy", 83.2, "83.20"),
        ("eval_loss", 0.5, "0.500"),
    ],
)
def test_shares_are_shown_as_percentages(key, value, text):
    assert words.shown(key, value) == text


@pytest.mark.parametrize(
    ("key", "before", "after", "text"),
    [
        ("eval_perplexity", 8211.0, 247.0, "33 times lower"),
        ("eval_loss", 9.0, 4.5, "2.0 times lower"),
        ("eval_loss", 4.0, 4.2, "1.05 times higher"),
        ("eval_loss", 4.0, 4.01, "unchanged"),
        ("eval_accuracy", 0.1, 0.25, "2.5 times higher"),
        ("eval_accuracy", 0.0001, 0.25, "up 25.0 points"),
        ("eval_accuracy", 0.0, 0.0, "unchanged"),
        ("eval_matthews_correlation", -0.1, 0.4, "up 0.500"),
        ("eval_matthews_correlation", 0.1, 0.0, "down 0.100"),
    ],
)
def test_a_change_is_a_factor_or_where_that_says_little_a_difference(key, before, after, text):
    assert words.change(key, before, after) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8.53, "8.5 s"), (12.3, "12 s"), (59.2, "59 s"), (59.7, "1 min"), (100, "1 min 40 s"), (7500, "2 h 5 min")],
)
def test_durations_have_two_units(seconds, text):
    assert words.duration(seconds) == text


def test_lower_is_better_for_losses_and_higher_for_the_rest():
    assert words.lower_is_better("eval_loss")
    assert words.lower_is_better("eval_perplexity")
    assert not words.lower_is_better("eval_accuracy")
    assert not words.lower_is_better("tokens_per_second")


def test_bookkeeping_is_no_result():
    keys = ("eval_runtime", "epoch", "steps", "learning_rate", "mfu", "padding_share", "seconds_data", "eval_f1")
    assert [key for key in keys if words.is_result(key)] == ["eval_f1"]
