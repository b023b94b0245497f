"""The GLUE table of a sweep: a row a setting, a column a task, mean and spread over seeds, beside published rows.

Figure 12 of the course is table 1 of Devlin et al. 2018, arXiv:1810.04805; its rows stand here for reference. They are
test scores of the leaderboard, ours are scores on the validation sets.
"""

import csv
import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genai_hf import files
from genai_hf.metrics.averages import MEANINGS, Score, average, missing
from genai_hf.metrics.repeats import Repeats
from genai_hf.reports import sections
from genai_hf.reports.curves import heat_map
from genai_hf.reports.glue_rows import COLUMNS, Row, columns_of, rows_of
from genai_hf.reports.pages import markdown_table
from genai_hf.reports.sections import Table
from genai_hf.reports.sweep import PICTURE, SweepCell

# Nine columns in the order of COLUMNS, then the average that is printed there.
PUBLISHED = {
    "Pre-OpenAI SOTA": (80.6, 80.1, 66.1, 82.3, 93.2, 35.0, 81.0, 86.0, 61.7, 74.0),
    "BiLSTM+ELMo+Attn": (76.4, 76.1, 64.8, 79.8, 90.4, 36.0, 73.3, 84.9, 56.8, 71.0),
    "OpenAI GPT": (82.1, 81.4, 70.3, 87.4, 91.3, 45.4, 80.0, 82.3, 56.0, 75.1),
    "BERT base": (84.6, 83.4, 71.2, 90.5, 93.5, 52.1, 85.8, 88.9, 66.4, 79.6),
    "BERT large": (86.7, 85.9, 72.1, 92.7, 94.9, 60.5, 86.5, 89.3, 70.1, 82.1),
}
FILES = ("MNLI-m", "MNLI-mm", "QQP", "QNLI", "SST-2", "CoLA", "STS-B", "MRPC", "RTE", "WNLI", "AX")
PUBLISHED_TITLE = "published (test)"


def write(folder: Path, cells: Sequence[SweepCell]) -> None:
    """Write what a sweep's finished runs say together: ``glue.md``, ``glue.csv``, a picture, a zip, sections.

    Args:
        folder: Of the sweep.
        cells: Its runs, finished or not.
    """
    found = rows_of(cells)
    for left in (sections.FILE, PICTURE):
        (folder / left).unlink(missing_ok=True)  # of an earlier time
    if not any(row.runs for row in found):
        return
    tables = [scores_table(found), *_spread(found), averages_table(found), *_gains(found), *_submissions(folder, found)]
    for table in tables:
        sections.save(folder, table)
    parts = [f"## {table.title}\n\n{markdown_table(table)}\n\n{table.note}\n" for table in tables]
    files.write_text(folder / "glue.md", "\n".join(parts))
    files.write_text(folder / "glue.csv", _csv(found))
    files.write_text(folder / PICTURE, _picture(found))


def scores_table(found: Sequence[Row]) -> Table:
    """Figure 12's columns: mean over seeds ± standard deviation, and the published rows."""
    columns = columns_of(found)
    table: list[list[Any]] = [
        [row.name, *(_cell(row.repeats(score)) for score in columns.values()), _average(row)] for row in found
    ]
    commonest = [_commonest(found, score) for score in columns.values()]
    if any(commonest):
        table.append(["always the commonest label", *commonest, None])
    for name, (known, mean) in _published(columns).items():
        cells = (f"{known[column]:.1f}" if column in known else None for column in columns)
        table.append([f"{name}, {PUBLISHED_TITLE}", *cells, f"{mean:.1f}"])
    note = (
        "Our rows are scores on the validation sets, mean over seeds ± standard deviation, times 100; the published "
        "ones (Devlin et al. 2018, table 1) are on the leaderboard's test sets, so they are for reference. QQP and "
        "MRPC: F1; CoLA: Matthews' correlation; STS-B: Spearman's; else accuracy. "
        f"Average: {MEANINGS['bert_table']}."
    )
    return Table("GLUE", ["", *columns, "Average"], table, note)


def _commonest(found: Sequence[Row], score: Score) -> str | None:
    """What always answering the training set's commonest label, or its mean, scores."""
    task, metric = score
    known = [run[2].get(f"eval_majority_{metric}") for row in found for run in row.runs.get(task, [])]
    first = next((value for value in known if value is not None), None)
    return None if first is None else f"{100 * first:.1f}"


def _published(columns: Mapping[str, Score]) -> dict[str, tuple[dict[str, float], float]]:
    """Scores and average of each published row; none where it shares no column with ours."""
    rows = {name: (dict(zip(COLUMNS, scores[:-1], strict=False)), scores[-1]) for name, scores in PUBLISHED.items()}
    return {name: row for name, row in rows.items() if row[0].keys() & columns.keys()}


def averages_table(found: Sequence[Row]) -> Table:
    """Every named average of every row; where a task is missing, none."""
    table: list[list[Any]] = []
    for row in found:
        means = row.means()
        for name, meaning in MEANINGS.items():
            lacking = missing(name, means)
            value = None if lacking else f"{average(name, means):.1f}"
            table.append([row.name, name, value, f"missing: {', '.join(lacking)}" if lacking else meaning])
    return Table("Averages", ["", "average", "value", "what it is"], table)


def _spread(found: Sequence[Row]) -> list[Table]:
    """Mean, median, standard deviation and interval of every cell; nothing where no cell has two runs."""
    table = list[list[Any]]()
    for row in found:
        for column, score in columns_of(found).items():
            if repeats := row.repeats(score):
                low, high = repeats.interval or (None, None)
                figures = [repeats.mean, repeats.median, repeats.deviation, low, high]
                shown = [None if figure is None else f"{figure:.2f}" for figure in figures]
                table.append([row.name, column, len(repeats.scores), *shown])
    if all(line[2] < 2 for line in table):
        return []
    columns = ["", "task", "runs", "mean", "median", "standard deviation", "95 % from", "to"]
    note = "The interval is Student's, for the mean over all seeds: of two or three runs it is very wide."
    return [Table("Over seeds", columns, table, note)]


def _gains(found: Sequence[Row]) -> list[Table]:
    """What pretraining gives: the same model from scratch beside it, and always answering the commonest class."""
    pairs = [
        (scratch, pretrained)
        for scratch in found
        for pretrained in found
        if "model.from_scratch=true" in scratch.name
        and pretrained.name == scratch.name.replace("model.from_scratch=true", "model.from_scratch=false")
    ]
    table = list[list[Any]]()
    for scratch, pretrained in pairs:
        for column, (task, metric) in columns_of(found).items():
            before, after = scratch.repeats((task, metric)), pretrained.repeats((task, metric))
            if before and after:
                commonest = _commonest([pretrained], (task, metric))
                gain = f"{after.mean - before.mean:+.1f}"
                runs = min(len(before.scores), len(after.scores))
                figures = [commonest, _cell(before), _cell(after), gain]
                table.append([column, metric.removeprefix("mismatched_"), runs, *figures])
    if not table:
        return []
    note = (
        "The same sizes, tokenizer and fine-tuning, with random weights and with pretrained ones. The first column "
        "always answers the commonest class of the training set, or its mean."
    )
    columns = ["", "metric", "runs", "commonest", "from scratch", "pretrained", "gain"]
    return [Table("From scratch and pretrained", columns, table, note)]


def _submissions(folder: Path, found: Sequence[Row]) -> list[Table]:
    """The leaderboard's zip of each row that has predictions: of each task the run with the best validation score."""
    table = list[list[Any]]()
    for number, row in enumerate(found):
        chosen: dict[str, tuple[Path, str]] = {}
        for task, runs in row.runs.items():
            score = next((score for score in COLUMNS.values() if score[0] == task), None)
            with_files = [run for run in runs if (run[1] / "predictions").is_dir()]
            if score and with_files:
                seed, run, _ = max(with_files, key=lambda run: run[2].get(f"eval_{score[1]}", -math.inf))
                chosen |= {path.stem: (path, seed) for path in sorted((run / "predictions").glob("*.tsv"))}
        packed = [file for file in FILES if file in chosen]
        if not packed:
            continue
        name = f"submission{'' if len(found) == 1 else f'-{number + 1}'}.zip"
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for file in packed:  # without its time, so that the same predictions are the same zip
                archive.writestr(zipfile.ZipInfo(f"{file}.tsv"), chosen[file][0].read_bytes(), zipfile.ZIP_DEFLATED)
        lacking = [file for file in FILES if file not in chosen]
        seeds = ", ".join(f"{file} {chosen[file][1]}" for file in packed)
        table.append([row.name, name, seeds, ", ".join(lacking) or "nothing"])
    if not table:
        return []
    note = (
        "Of each task the seed that is best on its validation set. The server takes a zip only with all eleven files."
    )
    return [Table("For the leaderboard", ["", "file", "seed of each task", "lacks"], table, note)]


def _cell(repeats: Repeats | None) -> str | None:
    if repeats is None:
        return None
    return f"{repeats.mean:.1f}" + ("" if repeats.deviation is None else f" ± {repeats.deviation:.1f}")


def _average(row: Row) -> str | None:
    means = row.means()
    return None if missing("bert_table", means) else f"{average('bert_table', means):.1f}"


def _picture(found: Sequence[Row]) -> str:
    columns = columns_of(found)
    means = [[repeats.mean if (repeats := row.repeats(score)) else None for score in columns.values()] for row in found]
    names = [row.name for row in found]
    for name, (known, _) in _published(columns).items():
        names.append(f"{name}, test")
        means.append([known.get(column) for column in columns])
    return heat_map("glue", "score, times 100; down: setting, across: task", (names, list(columns)), means)


def _csv(found: Sequence[Row]) -> str:
    """Every score, unrounded, one row a run and column."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["setting", "column", "task", "metric", "seed", "score", "run"])
    for row in found:
        for column, (task, metric) in columns_of(found).items():
            for seed, folder, metrics in row.runs.get(task, []):
                score = metrics.get(f"eval_{metric}")
                writer.writerow([row.name, column, task, metric, seed, score, folder.name])
    return text.getvalue()
