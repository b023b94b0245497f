"""Training examples on the terminal, coloured by what was done to each token, with the measured rates beneath."""

from typing import Any

import numpy as np
from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from scipy.stats import binom

from genai_hf.collators.view import Piece, View
from genai_hf.looking import first_rows

BAND = 0.9999  # a rate outside its band has less than one chance in ten thousand
STYLES = {  # what was done to a token: how it is shown, and what the legend says of it; of the others nothing
    "hidden": ("black on yellow", "hidden"),
    "replaced": ("black on red", "replaced"),
    "unchanged": ("black on green", "unchanged"),
    "second": ("underline", "of the second text"),
    "span": ("black", "a span and what stands for it"),
    "given": ("italic", "given, not predicted"),
    "predicted": ("black on green", "predicted"),
    "special": ("dim", ""),
    "plain": ("", ""),
}
SPANS = ("cyan", "magenta", "yellow", "green", "blue", "red")  # backgrounds of one span after the other
LARGEST_MASK = 128  # tokens of a mask that is drawn, which fit into 80 columns
QUARTERS = "·▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"  # two tokens by two: upper left counts 1, upper right 2, lower left 4, lower right 8


def show(trainer: Any, number: int) -> None:
    """Print the first `number` examples of a Trainer as its model sees them, and the rates measured over them."""
    console, rates, seen = Console(), dict[str, list[float]](), list[Piece]()
    collator, tokenizer = trainer.data_collator, trainer.processing_class
    for row in first_rows(trainer, number):
        batch = collator([row])
        view = collator.view(row, batch)
        seen += [piece for line in view.lines.values() for piece in line]
        console.print(panel(row, view, tokenizer))
        for name, (hits, trials, probability) in collator.measure([row], batch).items():
            known = rates.setdefault(name, [0, 0, 0.0])
            rates[name] = [known[0] + hits, known[1] + trials, known[2] + probability * trials]
    if any(STYLES[piece.kind][1] for piece in seen):
        console.print(legend(seen))
    if rates:
        console.print(rate_table(rates, banded=collator.is_random))


def panel(row: dict[str, Any], view: View, tokenizer: Any) -> Panel:
    """One example: each token as the model sees it, and behind it what it has to predict there."""
    lines = []
    for name, pieces in view.lines.items():
        text = Text(f"{name}: " if name else "", "bold")
        for piece in pieces:
            text.append(*_shown(piece, tokenizer))
            text.append(" ")
        lines.append(text)
    if view.mask is not None:
        lines.append(picture(view.mask))
    note = f": {escape(view.note)}" if view.note else ""
    return Panel(Group(*lines), title=f"example {row['example_id']}, epoch {row['epoch']}{note}", title_align="left")


def _shown(piece: Piece, tokenizer: Any) -> tuple[str, str]:
    """A token as text, and its style."""
    shown = tokenizer.convert_ids_to_tokens(piece.token)
    style = STYLES[piece.kind][0]
    if piece.kind == "plain" and piece.token in tokenizer.all_special_ids:
        style = STYLES["special"][0]
    if piece.kind == "span":
        style = f"{style} on {SPANS[piece.span % len(SPANS)]}"
    wanted = "" if piece.wanted is None else f"›{tokenizer.convert_ids_to_tokens(piece.wanted)}"
    return f"{shown}{wanted}", style


def legend(pieces: list[Piece]) -> str:
    """What the colours of these tokens mean."""
    kinds = {piece.kind for piece in pieces}
    words = [f"[{style}] {said} [/]" for kind, (style, said) in STYLES.items() if kind in kinds and said]
    if any(piece.wanted is not None for piece in pieces):
        words.append("the word behind › is what has to be predicted; nothing else is")
    return "  ".join(words) + "\n"


def picture(mask: Any) -> Text:
    """Which token (down) looks at which (across), two tokens a letter and a line; of a long one the beginning."""
    part = np.asarray(mask[:LARGEST_MASK, :LARGEST_MASK], dtype=int)
    part = np.pad(part, [(0, size % 2) for size in part.shape])
    cells = part[::2, ::2] + 2 * part[::2, 1::2] + 4 * part[1::2, ::2] + 8 * part[1::2, 1::2]
    lines = ["".join(QUARTERS[cell] for cell in row) for row in cells]
    said = "each token (down) looks at the tokens (across) that are filled"
    more = "" if len(mask) <= LARGEST_MASK else f"; the first {LARGEST_MASK} of {len(mask):,}"
    return Text(f"{said}{more}\n" + "\n".join(lines), "dim")


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
