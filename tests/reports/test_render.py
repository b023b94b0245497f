import json
import math
import re
import subprocess
import sys

import pytest
from run_folders import CONFIG, HOSTILE, LOG, METRICS, assert_inert, page, write_run

from genai_hf.errors import UserError
from genai_hf.reports.render import write_report
from genai_hf.reports.run_folder import final_metrics
from genai_hf.reports.sections import Figure, Table, save

BLANKS = Table("Blanks", ["text", "guess", "p"], [["a | b ___", "`x`", 0.5], ["c ___", None, 1]], "A *note*.")
MERGES = Figure("Merges", "merges", "tokens", {"bpe": [(0, 8), (1, 4), (2, 2), (3, 1)]})

SENTENCE = (
    "After 20 steps (1 epoch, 9,050 tokens per second), perplexity (validation) fell from 8,103 to 244.7 "
    "(33 times lower) and token accuracy (validation) rose from 0.01% to 21.0%."
)
GOLDEN = r"""# bert_mlm: tiny

SENTENCE

## Numbers

| metric | value | before training | change |
| --- | ---: | ---: | --- |
| loss (validation) | 5.500 | 9 | 1.6 times lower |
| perplexity (validation) | 244.7 | 8,103 | 33 times lower |
| token accuracy (validation) | 21.0% | 0.01% | up 21.0 points |
| commonest accuracy (validation) | 7.0% | 7.0% | unchanged |
| steps | 20 | – | – |

## Curves

### Loss

| over step | first | lowest | highest | last | shape |
| --- | ---: | ---: | ---: | ---: | --- |
| training | 7 | 6 | 7 | 6 | █▁ |
| validation | 9 | 5.500 | 9 | 5.500 | █▁ |

### Perplexity (validation)

| over step (logarithmic scale) | first | lowest | highest | last | shape |
| --- | ---: | ---: | ---: | ---: | --- |
| perplexity | 8,103 | 244.7 | 8,103 | 244.7 | █▁ |

### Token accuracy (validation)

| over step (percent) | first | lowest | highest | last | shape |
| --- | ---: | ---: | ---: | ---: | --- |
| token accuracy | 0.0100 | 0.0100 | 21 | 21 | ▁█ |
| commonest accuracy | 7.000 | 7.000 | 7.000 | 7.000 | ▁▁ |

### Tokens per second

| over step | first | lowest | highest | last | shape |
| --- | ---: | ---: | ---: | ---: | --- |
| tokens per second | 9,000 | 9,000 | 9,100 | 9,100 | ▁█ |

### Learning rate

| over step | first | lowest | highest | last | shape |
| --- | ---: | ---: | ---: | ---: | --- |
| learning rate | 0.0010 | 0 | 0.0010 | 0 | █▁ |

## Blanks

| text | guess | p |
| --- | --- | ---: |
| a \| b \_\_\_ | \`x\` | 0.500 |
| c \_\_\_ | – | 1 |

A \*note\*.

## Merges

| over merges (tokens) | first | lowest | highest | last | shape |
| --- | ---: | ---: | ---: | ---: | --- |
| bpe | 8 | 1 | 8 | 1 | █▄▂▁ |

## Settings

```yaml
CONFIG
```

## Environment

- versions, python: 3.11.9
- versions, torch: 2.13.1
- files, data.path: ab12

## Do it again

```sh
genai-hf bert_mlm model=bert_tiny
```
""".replace("CONFIG", CONFIG.strip()).replace("SENTENCE", SENTENCE)


@pytest.fixture
def run(tmp_path):
    folder = write_run(tmp_path / "bert_mlm" / "tiny")
    save(folder, BLANKS)
    save(folder, MERGES)
    return folder


def test_the_markdown_report_is_exactly_this(run):
    write_report(run)
    assert (run / "report.md").read_text(encoding="utf-8") == GOLDEN


def test_the_page_is_whole_and_says_what_came_out(run):
    path = write_report(run)
    assert path == run / "report.html"
    parsed = page(path)
    for expected in (
        SENTENCE,
        "bert_mlm",
        "tiny",
        "finished",
        "before training 8,103",
        "up 21.0 points",
        "a | b ___",
        "A *note*.",
    ):
        assert expected in parsed.text
    assert [tag for tag, _ in parsed.tags].count("svg") == 6
    assert_inert(path)


def test_the_parts_of_the_page_stand_in_this_order(run):
    headings = re.findall(r"<h2>(.*?)</h2>", write_report(run).read_text(encoding="utf-8"))
    assert headings == ["Curves", "Blanks", "Merges", "Settings", "Environment", "Do it again"]


def test_settings_of_the_command_line_are_marked_and_their_group_is_open(run):
    text = write_report(run).read_text(encoding="utf-8")
    assert '<dt class="changed">learning_rate</dt><dd class="changed">0.001</dd>' in text
    assert text.count("<details open>") == 1
    assert "<details open><summary>trainer <small>2</small>" in text


def test_a_repeated_report_has_the_same_bytes(run):
    path = write_report(run)
    first = path.read_bytes(), (run / "report.md").read_bytes()
    write_report(run)
    assert (path.read_bytes(), (run / "report.md").read_bytes()) == first
    assert sorted(file.name for file in run.iterdir()) == [
        "command.txt", "config.yaml", "fingerprint.json", "metrics.json", "metrics.jsonl",
        "report.html", "report.md", "sections.json",
    ]  # fmt: skip


def test_a_model_behind_its_yardstick_is_not_praised(tmp_path):
    yardstick = {"eval_unigram_perplexity": 200.0}
    log = [line | yardstick if "eval_loss" in line else line for line in LOG]
    behind = page(write_report(write_run(tmp_path / "behind", log=log, metrics=METRICS | yardstick))).text
    assert "; perplexity (validation) is no better than the unigram perplexity of 200." in behind
    yardstick = {"eval_unigram_perplexity": 300.0}
    log = [line | yardstick if "eval_loss" in line else line for line in LOG]
    ahead = page(write_report(write_run(tmp_path / "ahead", log=log, metrics=METRICS | yardstick))).text
    assert "no better than" not in ahead


def test_an_unfinished_run_says_so_and_shows_what_is_logged(tmp_path):
    folder = write_run(tmp_path / "half", log=LOG[:2], metrics=None)
    text = page(write_report(folder)).text
    assert "Unfinished: 10 of 20 steps are logged. So far perplexity (validation) is 8,103" in text
    assert "7.000" not in text
    assert "loss (training)" in text


def test_a_run_that_has_logged_nothing_says_so(tmp_path):
    text = page(write_report(write_run(tmp_path / "new", log=None, metrics=None))).text
    assert "Unfinished: nothing is logged yet." in text
    assert "Curves" not in text


def test_a_recipe_without_training_shows_its_numbers_and_sections(tmp_path):
    folder = write_run(tmp_path / "tokens", log=None, metrics={"vocabulary_size": 8192, "tokens_per_word": 1.31})
    save(folder, MERGES)
    text = page(write_report(folder)).text
    assert "Vocabulary size is 8,192 and tokens per word is 1.310." in text
    assert "Merges" in text
    assert "Curves" not in text


def test_a_step_that_was_logged_twice_counts_once_the_later_time(tmp_path):
    folder = write_run(tmp_path / "resumed", log=[*LOG, {"step": 10, "loss": 6.5}], metrics=METRICS)
    write_report(folder)
    assert "| training | 6.500 | 6 | 6.500 | 6 | █▁ |" in (folder / "report.md").read_text(encoding="utf-8")


def test_missing_and_damaged_files_are_named_on_the_page(tmp_path):
    folder = tmp_path / "poor"
    folder.mkdir()
    (folder / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo\n[]\n{"loss": 1}\n' + "[" * 99999)
    (folder / "fingerprint.json").write_text("{")
    (folder / "sections.json").write_text("7")
    text = page(write_report(folder)).text
    for problem in (
        "config.yaml is missing",
        "command.txt is missing",
        "fingerprint.json cannot be read: Expecting property name",
        "metrics.jsonl: left out row 2, 3, 4, 5, not an object with a step",
        "sections.json: not a list of tables and figures; delete it",
    ):
        assert problem in text
    assert (folder / "report.md").is_file()


DEEP = "maximum recursion depth exceeded while decoding a JSON array from a unicode string"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"eval_loss": 5.5', "is no JSON (Expecting ',' delimiter: line 1 column 18 (char 17))"),
        ("[" * 100_000, f"is no JSON ({DEEP})"),
        ("[5.5]", "holds no names and numbers"),
        ('{"eval_loss": "5.5"}', "holds no finite number as 'eval_loss', but '5.5'"),
        ('{"eval_loss": true}', "holds no finite number as 'eval_loss', but True"),
        ('{"eval_loss": [5.5]}', "holds no finite number as 'eval_loss', but [5.5]"),
        ('{"eval_loss": NaN}', "holds no finite number as 'eval_loss', but nan"),
        ('{"eval_loss": 1e999}', "holds no finite number as 'eval_loss', but inf"),
        (f'{{"eval_loss": 1{"0" * 400}}}', f"holds no finite number as 'eval_loss', but 1{'0' * 39}"),
    ],
)
def test_final_numbers_that_are_none_are_refused_and_the_file_is_named(content, said, tmp_path):
    folder = write_run(tmp_path / "run")
    (folder / "metrics.json").write_text(content)
    for read in (write_report, final_metrics):
        with pytest.raises(UserError) as caught:
            read(folder)
        assert str(caught.value) == f"{folder}/metrics.json {said}; run it again with overwrite=true"


def test_damaged_settings_are_named_on_the_page(tmp_path):
    folder = write_run(tmp_path / "run", config="a: [\n")
    assert "config.yaml cannot be read: while parsing" in page(write_report(folder)).text


def test_every_file_alone_makes_a_report(run, tmp_path):
    for file in run.iterdir():
        alone = tmp_path / "alone" / file.name
        alone.mkdir(parents=True)
        (alone / file.name).write_bytes(file.read_bytes())
        assert_inert(write_report(alone))


def test_hostile_text_is_inert_wherever_it_comes_from(tmp_path):
    folder = write_run(
        tmp_path / "run",
        config=json.dumps({"recipe": "r", "overrides": [HOSTILE], "data": {HOSTILE: HOSTILE, "list": [HOSTILE]}}),
        command=HOSTILE.replace("\ud800", "") + "\n```\n````",
        log=[*LOG, {"step": 20, f"eval_{HOSTILE}": 1.0}, {"step": 30, f"eval_{HOSTILE}": 2.0}],
        metrics={HOSTILE: 1.5},
    )
    (folder / "fingerprint.json").write_text(json.dumps({HOSTILE: {HOSTILE: HOSTILE}, "versions": HOSTILE}))
    save(folder, Table(HOSTILE, [HOSTILE, "b"], [[HOSTILE, "x" * 100_000]], HOSTILE))
    save(folder, Figure(HOSTILE + "f", HOSTILE, HOSTILE, {HOSTILE: [(0, 1), (1, 2)], "_b": [(0, 2)]}, HOSTILE))
    save(folder, Figure(HOSTILE + "b", HOSTILE, HOSTILE, {HOSTILE: [(0, 1)], "b" * 500: [(0, 2)]}, kind="bar"))
    path = write_report(folder)
    assert_inert(path)
    assert "<img src=x onerror=alert(1)> | `rm`" in page(path).text
    assert path.stat().st_size < 120_000
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    assert "<img" not in outside
    assert "<script" not in outside
    assert "](" not in outside.replace("\\](", "")
    tables = [line for line in outside.splitlines() if line.startswith("|")]
    columns = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
    assert columns <= {3, 4, 5, 7}
    assert not re.search(r"[\x00\x1b]", markdown + path.read_text(encoding="utf-8"))


def test_nothing_that_is_not_a_number_is_ever_shown(tmp_path):
    folder = write_run(tmp_path / "run", log=None, metrics=None)
    lines = ['{"step": 1, "loss": NaN}', '{"step": 2, "loss": 1e999, "eval_loss": -Infinity}', '{"step": 3, "loss": 2}']
    (folder / "metrics.jsonl").write_text("\n".join(lines))
    (folder / "metrics.json").write_text('{"eval_loss": null, "eval_accuracy": 0.5}')
    save(folder, Table("t", ["a"], [[math.nan], [math.inf]]))
    save(folder, Figure("f", "x", "y", {"s": [(0, math.nan), (1, 2)]}))
    path = write_report(folder)
    assert not re.search(r"\b(nan|inf|infinity)\b", page(path).text + (folder / "report.md").read_text(), re.IGNORECASE)
    assert "nan" not in path.read_text(encoding="utf-8").lower().replace("predominant", "")


def test_a_missing_folder_and_one_that_is_no_run_are_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match="no such folder; give the folder of a run"):
        write_report(tmp_path / "absent")
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="not a run's folder") as caught:
        write_report(tmp_path)
    assert "\n" not in str(caught.value)


def test_importing_the_report_imports_neither_matplotlib_nor_torch():
    code = "import sys, genai_hf.reports.render; print({'torch', 'matplotlib', 'numpy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
