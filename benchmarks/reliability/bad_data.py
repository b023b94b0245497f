"""Bad data files: what genai-hf answers, and what comes of the very same files in the stock way.

python benchmarks/reliability/bad_data.py [number of rows]

The files are those of the tables in tests/refusals that are text to train on or labelled rows, and some of 100,000 rows
with a fault at their end. Seconds are those of an answer, without imports. The stock way is stock_data.py.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from stock_data import attempt

REFUSALS = Path(__file__).parents[2] / "tests" / "refusals"
TEXT = "This is sentence number {}, of about as many words as a review has, and nobody minds it."
# Files from which the stock way takes what their writer meant, though they are refused here.
MEANT = {
    "The column of the text is spelt otherwise",
    "A gzipped file is not called .gz",
    "A file is of another kind",
    "A file is of a kind that is not read",
}


def kind(answer: dict[str, Any], cause: str) -> str:
    """Into which of four kinds an answer falls."""
    if answer["code"] == 0:
        return "trained on what was meant" if cause in MEANT else "trained silently on wrong data"
    crashed = any(line.startswith("Traceback") for line in answer["lines"])
    return "crashed with a traceback" if crashed else "said it, a line a problem"


def summary(answers: Sequence[dict[str, Any]], causes: Sequence[str]) -> dict[str, Any]:
    """How many answers are of each kind, how long tracebacks are, and which answer took longest."""
    kinds = [kind(answer, cause) for answer, cause in zip(answers, causes, strict=True)]
    lines = [len(answer["lines"]) for answer, its in zip(answers, kinds, strict=True) if its.startswith("crashed")]
    slowest = max(range(len(answers)), key=lambda place: answers[place]["of the processor"])
    found: dict[str, Any] = {its: kinds.count(its) for its in sorted(set(kinds))}
    return {
        "files": len(answers),
        **found,
        "lines of a traceback (median)": median(lines) if lines else 0,
        "slowest answer (s)": round(answers[slowest]["seconds"], 2),
        "slowest answer (s of the processor)": round(answers[slowest]["of the processor"], 2),
        "slowest": causes[slowest],
    }


def tables() -> list[Any]:
    """The cases of tests/refusals that both ways can be given."""
    sys.path.insert(0, str(REFUSALS))
    import bad_labels
    import bad_places
    import bad_texts

    return [*bad_texts.CASES, *bad_labels.CLASSES, *bad_labels.NUMBERS, *bad_places.CASES]


def good() -> list[Any]:
    """Files with which nothing is wrong, from which the stock way must train."""
    from bad_labels import GOOD, SCORES, labelled, scored
    from bad_texts import json, table

    return [
        table("text", "text\nfine\n", ""),
        json("text", '{"text": "fine"}\n', ""),
        labelled("labels", "", "", head=GOOD),
        scored("numbers", SCORES.splitlines()[-1], ""),
    ]


def large(rows: int) -> list[Any]:
    """Files of so many good rows and a bad one."""
    import pyarrow
    from asking import Case
    from bad_labels import REGRESSION
    from bad_texts import packed

    texts = [TEXT.format(number) for number in range(rows)]
    mlm, glue = ["bert_mlm"], ["glue", "task=local", "task.labels=[no,yes]"]
    objects = [json.dumps({"text": text, "label": ("no", "yes")[n % 2]}) + "\n" for n, text in enumerate(texts)]
    made = [
        (mlm, "text", "a.txt", "\n".join(texts).encode() + b"\ncaf\xe9\n"),
        (mlm, "csv", "a.csv", "text\n" + "".join(f'"{text}"\n' for text in texts) + '""\n'),
        (mlm, "json", "a.jsonl", "".join(objects) + '{"text": null}\n'),
        (glue, None, "a.csv", "text,label\n" + "".join(f'"{text}",no\n' for text in texts) + "fine,yes\nfine,-100\n"),
        (glue, None, "a.jsonl", "".join(objects) + '{"text": "fine", "label": null}\n'),
        (["glue", *REGRESSION], None, "a.csv",
         "one,two,score\n" + "".join(f'"{text}",fine,3\n' for text in texts) + "a,b,nan\n"),
    ]  # fmt: skip
    found = [
        Case(
            cause=f"{rows:,} rows of {name} for {' '.join(words[:2])}",
            words=[*words, *([] if data is None else [f"data={data}"]), f"data.path={name}"],
            said="…",
            files={name: content},
        )
        for words, data, name, content in made
    ]
    column = pyarrow.array([*texts, None])
    return [*found, packed(f"{rows:,} rows of a.parquet for bert_mlm", "…", text=column)]


def ours(cases: Sequence[Any], folders: Sequence[Path]) -> list[dict[str, Any]]:
    """What the command answers to each."""
    from genai_hf import cli

    os.environ |= {"GENAI_HF_CACHE": "cache", "GENAI_HF_ROOT": "outputs"}
    attempt(partial(cli.main, cases[0].words), folders[0])  # which imports what is needed
    return [attempt(partial(cli.main, case.words), folder) for case, folder in zip(cases, folders, strict=True)]


def asked(case: Any, folder: Path) -> dict[str, str]:
    """What the stock way is told of a case."""
    path = next(word for word in case.words if word.startswith("data.path=")).removeprefix("data.path=")
    return {"folder": str(folder), "path": path, "way": "glue" if case.words[0] == "glue" else "mlm"}


def main(rows: int) -> None:
    """Print the figures of both ways."""
    cases, most, right = tables(), large(rows), good()
    every = [*cases, *most, *right]
    with tempfile.TemporaryDirectory() as top:
        folders = [Path(top, str(number)) for number in range(len(every))]
        for case, folder in zip(every, folders, strict=True):
            folder.mkdir()
            case.lay_out(folder)
        wrong = len(cases) + len(most)
        answers = {"genai-hf": ours(every[:wrong], folders[:wrong])}
        left = sum(any(folder.glob("outputs/*/*/*")) or any(folder.glob("cache/*/*")) for folder in folders)
        listed = Path(top, "files.json")
        listed.write_text(json.dumps(list(map(asked, every, folders))), encoding="utf-8")
        command = [sys.executable, str(Path(__file__).with_name("stock_data.py")), str(listed)]
        given = subprocess.run(command, capture_output=True, text=True, check=True)
        answers["stock"] = json.loads(given.stdout.splitlines()[-1])
        whole = [process(case, folder) for case, folder in zip(most, folders[len(cases) :], strict=False)]
    causes = [case.cause for case in every]
    found: dict[str, Any] = {way: summary(some[: len(cases)], causes[: len(cases)]) for way, some in answers.items()}
    found["genai-hf"]["left something behind"] = left
    found["stock"]["good files trained on, beside"] = sum(one["code"] == 0 for one in answers["stock"][wrong:])
    for place, seconds in enumerate(whole, len(cases)):
        found[causes[place]] = {way: large_answer(some[place], causes[place]) for way, some in answers.items()}
        found[causes[place]]["genai-hf"]["whole process (s)"] = round(seconds, 2)
    silent = zip(causes[:wrong], answers["stock"], strict=False)
    found["stock trained silently on"] = [
        cause for cause, one in silent if kind(one, cause).startswith("trained silently")
    ]
    print(json.dumps(found, indent=2))


def process(case: Any, folder: Path) -> float:
    """Seconds of the whole command, in a process of its own that has remembered nothing."""
    environment = os.environ | {"GENAI_HF_CACHE": "another cache", "GENAI_HF_ROOT": "outputs"}
    command, began = [sys.executable, "-m", "genai_hf", *case.words], time.perf_counter()
    subprocess.run(command, capture_output=True, check=False, cwd=folder, env=environment)
    return time.perf_counter() - began


def large_answer(answer: dict[str, Any], cause: str) -> dict[str, Any]:
    """What came of a large file, and how long that took."""
    return {key: round(answer[key], 2) for key in ("seconds", "of the processor")} | {"came of it": kind(answer, cause)}


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["100000"])[0]))
