"""Numbers and names of metrics as a reader wants them: few digits, plain words, what changed and which way."""

import math
import re

PARTS = {"eval": "validation", "train": "training", "test": "test", "predict": "test"}
WORDS = {
    "auc": "AUC",
    "bleu": "BLEU",
    "f1": "F1",
    "flops": "FLOPs",
    "flos": "floating-point operations",
    "gib": "GiB",
    "grad": "gradient",
    "lr": "learning rate",
    "mfu": "MFU",
    "mlm": "MLM",
    "nsp": "NSP",
    "num": "number of",
    "rouge": "ROUGE",
}
LOWER_IS_BETTER = re.compile(r"loss|perplexity|ppl|error|bits|latency|seconds|distance|drift|memory|divergence")
ASIDE = {"learning_rate", "grad_norm"}
BOOKKEEPING = re.compile(
    r"^(epoch|steps?|parameters|mfu|padding_share)$|^seconds_|flops_per_|runtime$|(samples|steps)_per_second$|flos$|^num_|_samples$"
)
SHARE = re.compile(r"(accuracy|share|mfu)$")


def metric_name(key: str) -> str:
    """A metric's key in words: ``eval_token_accuracy`` is "token accuracy (validation)"."""
    if key == "loss":
        return "loss (training)"
    prefix, _, rest = key.partition("_")
    part = PARTS.get(prefix) if rest else None
    words = " ".join(WORDS.get(word, word) for word in (rest if part else key).split("_"))
    return f"{words} ({part})" if part else words


def title(name: str) -> str:
    """The name with a capital letter."""
    return name[:1].upper() + name[1:]


def is_bookkeeping(key: str) -> bool:
    """Whether the metric tells about the machine's work and not about the model."""
    return BOOKKEEPING.search(key) is not None


def is_result(key: str) -> bool:
    """Whether the metric is an outcome and neither bookkeeping nor a state of the optimiser."""
    return not is_bookkeeping(key) and key not in ASIDE


def is_share(key: str) -> bool:
    """Whether values in [0, 1] of this metric read best as a percentage."""
    return SHARE.search(key) is not None


def lower_is_better(key: str) -> bool:
    """Whether a smaller value of this metric is the better one."""
    return LOWER_IS_BETTER.search(key) is not None and not key.endswith("_per_second")


def number(value: float) -> str:
    """A number with about four significant digits: 8,211 · 247.3 · 5.512 · 0.0312 · 1.5e-5."""
    if not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    size = abs(value)
    if size < 1e-3 or size >= 1e15:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    decimals = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 0.1 else 4
    return f"{value:,.{decimals}f}"


def shown(key: str, value: float) -> str:
    """The value of a metric, as a percentage where it is a share."""
    if is_share(key) and 0 <= value <= 1:
        return f"{100 * value:.{1 if value >= 0.01 or value == 0 else 2}f}%"
    return number(value)


def change(key: str, before: float, after: float) -> str:
    """How far a metric went: "33 times lower", "3.1 times higher", "unchanged" within 1 %.

    Where a ratio says little (a value is zero or negative, a share began below 1 %) it is the difference.
    """
    way, side = ("up", "higher") if after > before else ("down", "lower")
    if is_share(key) and 0 <= before < 0.01 < after <= 1:
        return f"{way} {100 * (after - before):.1f} points"
    if before <= 0 or after <= 0:
        return "unchanged" if before == after else f"{way} {number(abs(after - before))}"
    ratio = max(before, after) / min(before, after)
    if ratio < 1.01:
        return "unchanged"
    return f"{ratio:,.{0 if ratio >= 10 else 1 if ratio >= 1.1 else 2}f} times {side}"


def duration(seconds: float) -> str:
    """A length of time in its two largest units: "8.5 s", "1 min 40 s", "2 h 5 min"."""
    if seconds < 59.5:
        return f"{seconds:.{0 if seconds >= 10 else 1}f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return " ".join(f"{count:,} {unit}" for count, unit in parts if count)
