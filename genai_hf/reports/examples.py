"""Training examples on the terminal, coloured by what was done to each token, with the measured rates beneath."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from scipy.stats import binom

from genai_hf.looking import first_rows

BAND = 0.9999  # a rate outside its band has less than one chance in ten thousand
STYLES = {"hidden": "black on yellow", "replaced": "black on red", "unchanged": "black on green", "special": "dim"}


def show(trainer: Any, number: int) -> None:
    """Print the first `number` examples of a Trainer as its model sees them, and the rates measured over them."""
    console, rates = Console(), dict[str, list[float]]()
    for row in first_rows(trainer, number):
        batch = trainer.data_collator([row])
        is_whole = batch["labels"].dim() == 1  # a label of the whole text, not of each token
        shown = labelled(row, batch, trainer) if is_whole else panel(row, batch, trainer.processing_class)
        console.print(shown)
        for name, (hits, trials, probability) in trainer.data_collator.measure([row], batch).items():
            known = rates.setdefault(name, [0, 0, 0.0])
            rates[name] = [known[0] + hits, known[1] + trials, known[2] + probability * trials]
    if is_whole:
        console.print("the text's label stands above it; [underline]the second text[/] is underlined\n")
    else:
        legend = "  ".join(f"[{style}] {escape(name)} [/]" for name, style in STYLES.items() if name != "special")
        console.print(f"{legend}   the word behind › is what has to be predicted; nothing else is\n")
    if rates:  # rows of like length, which come together, are no independent draws: no band holds for them
        console.print(rate_table(rates, banded=not is_whole))


def panel(row: dict[str, Any], batch: dict[str, Any], tokenizer: Any) -> Panel:
    """One example: each token as the model sees it, and behind it what it has to predict there."""
    seen, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
    text = Text()
    special = set(tokenizer.all_special_ids)
    for token, label in zip(seen, labels, strict=True):
        shown, wanted = tokenizer.convert_ids_to_tokens([token, max(label, 0)])
        if label < 0:
            text.append(shown, STYLES["special"] if token in special else "")
        else:
            kind = "hidden" if token == tokenizer.mask_token_id else "unchanged" if token == label else "replaced"
            text.append(f"{shown}›{wanted}", STYLES[kind])
        text.append(" ")
    return Panel(text, title=f"example {row['example_id']}, epoch {row['epoch']}", title_align="left")


def labelled(row: dict[str, Any], batch: dict[str, Any], trainer: Any) -> Panel:
    """One example with a label for its whole text."""
    tokenizer, text = trainer.processing_class, Text()
    special = set(tokenizer.all_special_ids)
    for place, token in enumerate(batch["input_ids"][0].tolist()):
        style = "dim" if token in special else "underline" if place >= row["second"] else ""
        text.append(tokenizer.convert_ids_to_tokens(token), style)
        text.append(" ")
    names = trainer.objective.names
    label = names[int(row["label"])] if names else f"{row['label']:g}"
    return Panel(text, title=f"example {row['example_id']}, epoch {row['epoch']}: {escape(label)}", title_align="left")


def rate_table(rates: dict[str, list[float]], *, banded: bool = True) -> Table:
    """Each rate beside the rule's, with the band in which it lies but for one chance in ten thousand."""
    band_columns = (f"{BAND:.2%} band", "") if banded else ()
    table = Table("rate", "measured", "rule" if banded else "of all", "count", *band_columns, box=None)
    for name, (hits, trials, expected) in rates.items():
        rule = expected / max(trials, 1)
        low, high = binom.interval(BAND, int(trials), min(rule, 1.0))
        inside = low <= hits <= high
        band = f"{low / max(trials, 1):.4f} – {high / max(trials, 1):.4f}"
        verdict = "[green]inside[/]" if inside else "[bold red]outside[/]"
        counted = f"{hits:,.0f} of {trials:,.0f}"
        shown = (band, verdict) if banded else ()
        table.add_row(name, f"{hits / max(trials, 1):.4f}", f"{rule:.4f}", counted, *shown)
    return table
