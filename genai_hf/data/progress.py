"""A progress bar for what takes long, on the terminal only."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PATIENCE = 2.0  # s before the bar appears


@contextmanager
def slow_work(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Gives a function to call with how much more is done, of `total` where that is known.

    The bar is drawn on standard error where that is a terminal, by the first rank alone, and goes with the work.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(what, total=total)
    shown = console.is_terminal and os.environ.get("RANK", "0") == "0"
    appears = time.monotonic() + PATIENCE

    def advance(count: int) -> None:
        bar.advance(task, count)
        if shown and not bar.live.is_started and time.monotonic() > appears:
            bar.start()

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()
