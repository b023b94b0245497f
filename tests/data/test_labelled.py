"""The nine GLUE tasks and the diagnostic set in a miniature of their classic layout, and tasks of one's own."""

import json
import math
from pathlib import Path

import pyarrow
import pytest
from omegaconf import OmegaConf
from pyarrow import parquet

import genai_hf
from genai_hf import data
from genai_hf.data import hub
from genai_hf.data.splits import Split, read_texts
from genai_hf.errors import ConfigError, DataError

CONF = Path(__file__).parents[2] / "conf" / "task"
REMEDY = "name another with task.text, task.text_pair, task.label, or data.rename={theirs:ours}"
TABS = "a tab too many or too few, or a line that is broken"
SKIPPED = ["cola", "sst2", "mrpc", "stsb", "mnli", "qnli", "rte", "wnli"]  # tasks that refuse faulty rows


def task(name, **changed):
    """A task as its YAML has it."""
    node = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    node = node.get("task", node)  # of a file whose keys are everybody's
    if node.pop("defaults", None):
        node["diagnostic"] = OmegaConf.to_container(OmegaConf.load(CONF / "ax.yaml"))
    return data.Task(**node | changed)


def put(file, *rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join("\t".join(row.split("|")) + "\n" for row in rows), encoding="utf-8")


MNLI = "index|promptID|pairID|genre|sentence1_binary_parse|sentence2_binary_parse|sentence1_parse|sentence2_parse"
PARSES = "( a )|( b )|(ROOT a)|(ROOT b)"
STSB = "index|genre|filename|year|old_index|source1|source2|sentence1|sentence2"
CLASSIC = {
    "CoLA/train.tsv": ["gj04|1||Our friends won't buy this.", "gj04|0|*|They drank the pub.",
                       'clc95|1||"Him" he said.'],
    "CoLA/dev.tsv": ["gj04|1||The sailors rode the breeze."],
    "CoLA/test.tsv": ["index|sentence", "0|Bill whistled past the house.", "1|The car honked."],
    "SST-2/train.tsv": ["sentence|label", "hide new secretions |0", "contains no wit |0",
                        "that loves its characters |1"],
    "SST-2/dev.tsv": ["sentence|label", "it 's a charming journey . |1"],
    "SST-2/test.tsv": ["index|sentence", "0|uneasy mishmash .", "1|a sly film"],
    "MRPC/train.tsv": ["\ufeffQuality|#1 ID|#2 ID|#1 String|#2 String",
                       '1|70|71|"I won," he said|He said: "I won', "0|72|73|a|b"],
    "MRPC/dev.tsv": ["\ufeffQuality|#1 ID|#2 ID|#1 String|#2 String", "0|74|75|c|d"],
    "MRPC/test.tsv": ["\ufeffindex|#1 ID|#2 ID|#1 String|#2 String", "0|76|77|e|f", "1|78|79|g|h"],
    "STS-B/train.tsv": [f"{STSB}|score", "0|main|MSR|2012|1|none|none|A plane.|An air plane.|5.000",
                        "1|main|MSR|2012|4|none|none|A flute.|A man.|0.000"],
    "STS-B/dev.tsv": [f"{STSB}|score", "0|main|MSR|2012|1|none|none|A man.|A child.|2.750"],
    "STS-B/test.tsv": [STSB, "0|main|MSR|2012|1|none|none|A girl.|A girl.",
                       "1|main|MSR|2012|1|none|none|A cat.|A dog."],
    "QQP/train.tsv": ["id|qid1|qid2|question1|question2|is_duplicate", "1|2|3|How?|Why?|0", "4|5|6|What is|",
                      "it?|What?|1",
                      "7|8|9||Who?|0", "10|11|12|Where?|Where to?|1"],
    "QQP/dev.tsv": ["id|qid1|qid2|question1|question2|is_duplicate", "1|2|3|When?|Since when?|1"],
    "QQP/test.tsv": ["id|question1|question2", "0|Would it?|Could it?", "1||Is it empty?"],
    "MNLI/train.tsv": [f"{MNLI}|sentence1|sentence2|label1|gold_label",
                       f"0|3|3n|slate|{PARSES}|A cat sat.|A cat stood.|neutral|contradiction",
                       f"1|4|4n|slate|{PARSES}|A cat sat.|An animal sat.|entailment|entailment",
                       f"2|5|5n|slate|{PARSES}|A cat sat.|It was tired.|neutral|neutral"],
    "MNLI/dev_matched.tsv": [f"{MNLI}|sentence1|sentence2|label1|label2|label3|label4|label5|gold_label",
                             f"0|3|3n|slate|{PARSES}|m1|m2|neutral|neutral|neutral|neutral|neutral|entailment"],
    "MNLI/dev_mismatched.tsv": [f"{MNLI}|sentence1|sentence2|label1|label2|label3|label4|label5|gold_label",
                                f"0|3|3n|verbatim|{PARSES}|n1|n2|neutral|neutral|neutral|neutral|neutral|contradiction",
                                f"1|3|3n|verbatim|{PARSES}|n3|n4|neutral|neutral|neutral|neutral|neutral|neutral"],
    "MNLI/test_matched.tsv": [f"{MNLI}|sentence1|sentence2", f"0|3|3n|slate|{PARSES}|t1|t2"],
    "MNLI/test_mismatched.tsv": [f"{MNLI}|sentence1|sentence2", f"0|3|3n|slate|{PARSES}|u1|u2"],
    "QNLI/train.tsv": ["index|question|sentence|label", '0|Who?|He "did.|entailment', "1|When?|Here.|not_entailment"],
    "QNLI/dev.tsv": ["index|question|sentence|label", "0|Why?|So.|not_entailment"],
    "QNLI/test.tsv": ["index|question|sentence", "0|What?|This."],
    "RTE/train.tsv": ["index|sentence1|sentence2|label", "0|No weapons.|Weapons.|not_entailment",
                      "1|A and b.|A.|entailment"],
    "RTE/dev.tsv": ["index|sentence1|sentence2|label", "0|Dana died.|Dana lives.|not_entailment"],
    "RTE/test.tsv": ["index|sentence1|sentence2", "0|Yes.|No."],
    "WNLI/train.tsv": ["index|sentence1|sentence2|label", "0|A pin in a carrot.|The carrot had a hole.|1",
                       "1|He.|John.|0"],
    "WNLI/dev.tsv": ["index|sentence1|sentence2|label", "0|The drain is clogged.|The hair has to go.|0"],
    "WNLI/test.tsv": ["index|sentence1|sentence2", "0|Maude.|Dora."],
    "diagnostic/diagnostic.tsv": ["index|sentence1|sentence2", "0|The cat sat.|The cat did not sit.", "1|d1|d2"],
}  # fmt: skip

# Of each task: the examples of its training set, the first label of its validation set, the sizes of what is predicted.
EXPECTED = {
    "cola": ([("Our friends won't buy this.", "", 1), ("They drank the pub.", "", 0),
              ('"Him" he said.', "", 1)], 1, {"CoLA": 2}),
    "sst2": ([("hide new secretions ", "", 0), ("contains no wit ", "", 0),
              ("that loves its characters ", "", 1)], 1, {"SST-2": 2}),
    "mrpc": ([('"I won," he said', 'He said: "I won', 1), ("a", "b", 0)], 0, {"MRPC": 2}),
    "stsb": ([("A plane.", "An air plane.", 5.0), ("A flute.", "A man.", 0.0)], 2.75, {"STS-B": 2}),
    "qqp": ([("How?", "Why?", 0), ("Where?", "Where to?", 1)], 1, {"QQP": 2}),
    "mnli": ([("A cat sat.", "A cat stood.", 2), ("A cat sat.", "An animal sat.", 0),
              ("A cat sat.", "It was tired.", 1)], 0,
             {"MNLI-m": 1, "MNLI-mm": 1, "AX": 2}),
    "qnli": ([("Who?", 'He "did.', 0), ("When?", "Here.", 1)], 1, {"QNLI": 1}),
    "rte": ([("No weapons.", "Weapons.", 1), ("A and b.", "A.", 0)], 1, {"RTE": 1}),
    "wnli": ([("A pin in a carrot.", "The carrot had a hole.", 1), ("He.", "John.", 0)], 0, {"WNLI": 1}),
}  # fmt: skip


@pytest.fixture
def glue(tmp_path):
    """GLUE's own folder."""
    for path, rows in CLASSIC.items():
        put(tmp_path / "glue_data" / path, *rows)
    return tmp_path / "glue_data"


def examples(split):
    return [(*texts, label) for texts, label in zip(split.keys(), split.labels, strict=True)]


def refused(kind=DataError, **settings):
    """The message; nothing is returned that could be trained on."""
    with pytest.raises(kind) as caught:
        data.labelled(**settings)
    return str(caught.value)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("inside", [False, True])
def test_a_glue_task_is_read_from_its_classic_files(glue, name, inside):
    train, first, tests = EXPECTED[name]
    found = data.labelled(task=task(name), path=str(glue / task(name).folder if inside else glue))
    assert examples(found.splits["train"]) == train
    assert next(iter(found.validation.values())).labels == [first]
    assert {file: len(split) for file, split in found.test.items()} == tests
    assert all(split.labels is None for split in found.test.values())
    assert found.splits["train"].left_out == (3 if name == "qqp" else 0)


def test_mnli_has_two_validation_sets_the_first_of_which_decides_and_the_diagnostic_set(glue):
    found = data.labelled(task=task("mnli"), path=str(glue))
    assert [(name, examples(split)) for name, split in found.validation.items()] == [
        ("validation_matched", [("m1", "m2", 0)]),
        ("validation_mismatched", [("n1", "n2", 2), ("n3", "n4", 1)]),
    ]
    assert found.test["AX"].keys() == [("The cat sat.", "The cat did not sit."), ("d1", "d2")]
    assert (found.test["MNLI-m"].texts, found.test["MNLI-mm"].texts) == (["t1"], ["u1"])


def test_the_composed_mnli_holds_the_diagnostic_task(glue):
    node = genai_hf.compose("glue", ["task=mnli"]).task
    composed = data.Task(**OmegaConf.to_container(node, resolve=True))
    assert composed == task("mnli")
    assert data.Task(**composed.diagnostic) == task("ax")


def test_the_full_diagnostic_file_is_scored_and_goes_before_the_other(glue):
    named = "Lexical Semantics|Predicate-Argument Structure|Logic|Knowledge|Domain|Premise|Hypothesis|Label"
    put(
        glue / "diagnostic" / "diagnostic-full.tsv",
        named,
        "||Negation||Art|p|h|contradiction",
        "||||Art|q|i|entailment",
    )
    assert examples(data.labelled(task=task("mnli"), path=str(glue)).test["AX"]) == [("p", "h", 2), ("q", "i", 0)]


def test_the_diagnostic_set_has_no_training_set():
    assert refused(ConfigError, task=task("ax")) == "'task': ax has no training set; task=mnli answers it"


HUB_TRAIN = {
    "cola": [{"sentence": "s", "label": 1, "idx": 0}, {"sentence": "t", "label": 0, "idx": 1}],
    "sst2": [{"sentence": "s", "label": 1, "idx": 0}, {"sentence": "t", "label": 0, "idx": 1}],
    "qnli": [{"question": "s", "sentence": "p", "label": 1}, {"question": "t", "sentence": "q", "label": 0}],
    "qqp": [{"question1": "s", "question2": "p", "label": 1}, {"question1": "t", "question2": "q", "label": 0}],
    "mnli": [{"premise": "s", "hypothesis": "p", "label": 1}, {"premise": "t", "hypothesis": "q", "label": 0}],
    "stsb": [{"sentence1": "s", "sentence2": "p", "label": 3.799999952316284},
             {"sentence1": "t", "sentence2": "q", "label": 0.0}],
} | {
    name: [{"sentence1": "s", "sentence2": "p", "label": 1}, {"sentence1": "t", "sentence2": "q", "label": 0}]
    for name in ("mrpc", "rte", "wnli")
}  # fmt: skip


def write_hub(folder, name, ending):
    """A file a split by the Hub's names; the labels of the test sets are -1, as there."""
    of = task(name)
    rows = HUB_TRAIN[name]
    folder.mkdir(parents=True, exist_ok=True)
    unknown = [row | {"label": -1.0 if name == "stsb" else -1} for row in rows]
    for split in ("train", *of.validation, *of.test.values()):
        given = unknown if split in of.test.values() else rows
        if ending == "jsonl":
            (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, given)))
        else:
            parquet.write_table(pyarrow.Table.from_pylist(given), folder / f"{split}-00000-of-00001.parquet")


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_glue_task_is_read_from_files_with_the_hubs_columns_and_numbers(tmp_path, name, ending):
    write_hub(tmp_path, name, ending)
    found = data.labelled(task=task(name), path=str(tmp_path))
    last = 3.799999952316284 if name == "stsb" else 1
    pair = ("p", "q") if task(name).text_pair else ("", "")
    expected = [("s", pair[0], last), ("t", pair[1], 0)]
    assert [examples(found.splits[split]) for split in ("train", *task(name).validation)] == [expected] * (
        3 if name == "mnli" else 2
    )
    assert [split.labels for split in found.test.values()] == [None] * len(task(name).test)


@pytest.mark.parametrize("path", ["diagnostic/test.jsonl", "diagnostic/diagnostic.tsv"])
def test_the_diagnostic_set_may_have_the_hubs_name_too(tmp_path, path):
    write_hub(tmp_path, "mnli", "jsonl")
    put(tmp_path / "diagnostic" / "diagnostic.tsv", "index|sentence1|sentence2", "0|x|y")
    (tmp_path / "diagnostic" / "test.jsonl").write_text('{"premise": "x", "hypothesis": "y", "label": -1}')
    for other in (tmp_path / "diagnostic").iterdir():
        if other != tmp_path / path:
            other.unlink()
    found = data.labelled(task=task("mnli"), path=str(tmp_path))
    assert (found.test["AX"].keys(), found.test["AX"].labels) == ([("x", "y")], None)


def test_mnli_comes_from_the_hub_with_its_diagnostic_set(tmp_path, monkeypatch):
    write_hub(tmp_path / "mnli", "mnli", "parquet")
    (tmp_path / "ax").mkdir()
    rows = [{"premise": "x", "hypothesis": "y", "label": -1, "idx": 0}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "ax" / "test-00000-of-00001.parquet")
    monkeypatch.setattr(hub, "parquet_folder", lambda name, config, revision, splits: tmp_path / config)
    found = data.labelled(task=task("mnli"))
    assert {name: split.labels for name, split in found.test.items()} == {"MNLI-m": None, "MNLI-mm": None, "AX": None}
    assert found.test["AX"].keys() == [("x", "y")]


def test_what_the_hub_lacks_is_said(tmp_path, monkeypatch):
    write_hub(tmp_path, "rte", "parquet")
    monkeypatch.setattr(hub, "parquet_folder", lambda **settings: tmp_path)
    (tmp_path / "validation-00000-of-00001.parquet").unlink()
    assert refused(task=task("rte")).startswith("task=rte needs a file for validation (dev.tsv or validation.jsonl): ")
    (tmp_path / "train-00000-of-00001.parquet").unlink()
    own = task("local", hub={"name": "me/mine", "config": None})
    assert refused(task=own).startswith("task=local needs a file for train (train.tsv): ")


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("column", [None, "", "-1"])
def test_a_test_set_without_labels_or_with_placeholders_has_none(tmp_path, name, column):
    write_hub(tmp_path, name, "jsonl")
    of = task(name)
    for split in of.test.values():
        (tmp_path / f"{split}.jsonl").unlink()
        header = [of.text, *([of.text_pair] if of.text_pair else []), *([] if column is None else [of.label])]
        cells = ["x"] * len(header) if column is None else [*(["x"] * (len(header) - 1)), column]
        put(tmp_path / f"{split}.tsv", "|".join(header), "|".join(cells), "|".join(cells))
    found = data.labelled(task=of, path=str(tmp_path))
    assert [(len(split), split.labels) for split in found.test.values()] == [(2, None)] * len(of.test)


def test_a_test_set_with_some_labels_must_have_all(tmp_path):
    write_hub(tmp_path, "rte", "jsonl")
    rows = [{"sentence1": "a", "sentence2": "b", "label": 1}, {"sentence1": "c", "sentence2": "d"}]
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert (
        refused(task=task("rte"), path=str(tmp_path)) == f"{tmp_path}/test.jsonl:2: 'label' is null; leave the row out"
    )


FAULTY = [
    ("1|2|3|x", f"4 fields where the header has 6; {TABS}"),
    ("1|2|3||x|0", "'question1' is empty; leave the row out"),
    ("1|2|3|x|y|2", "'label' is '2', none of not_duplicate, duplicate; write one of them, or leave the row out"),
]


@pytest.mark.parametrize("split", ["train", "dev"])
@pytest.mark.parametrize(("row", "problem"), FAULTY)
def test_faulty_rows_of_qqp_are_left_out_and_counted_where_it_is_trained_and_evaluated(glue, split, row, problem):
    header, good = "id|qid1|qid2|question1|question2|is_duplicate", ["1|2|3|When?|Since when?|1", "4|5|6|Who?|What?|0"]
    put(glue / "QQP" / "train.tsv", header, *good)
    (glue / "QQP" / "test.tsv").unlink()
    put(glue / "QQP" / f"{split}.tsv", header, row, *good)
    found = data.labelled(task=task("qqp"), path=str(glue)).splits["train" if split == "train" else "validation"]
    assert (examples(found), found.left_out) == ([("When?", "Since when?", 1), ("Who?", "What?", 0)], 1)
    said = refused(task=task("qqp", faulty_rows="refuse"), path=str(glue))
    assert said == f"{glue}/QQP/{split}.tsv:2: {problem}"


def test_no_row_of_a_test_set_is_left_out_since_predictions_are_numbered(glue):
    assert data.labelled(task=task("qqp"), path=str(glue)).test["QQP"].keys() == [
        ("Would it?", "Could it?"),
        ("", "Is it empty?"),
    ]
    put(glue / "QQP" / "test.tsv", "id|question1|question2", "0|a|b", "1|c", "2|d|e")
    said = refused(task=task("qqp"), path=str(glue))
    assert said == f"{glue}/QQP/test.tsv:3: 2 fields where the header has 3; {TABS}"


def test_a_wrong_label_of_a_test_set_is_refused_even_where_faulty_rows_are_skipped(glue):
    put(glue / "QQP" / "test.tsv", "question1|question2|is_duplicate", "a|b|1", "|d|0", "e|f|2")
    said = refused(task=task("qqp"), path=str(glue))
    problem = "is '2', none of not_duplicate, duplicate; write one of them, or leave the row out"
    assert said == f"{glue}/QQP/test.tsv:4: 'label' {problem}"
    put(glue / "QQP" / "test.tsv", "question1|question2|is_duplicate", "a|b|1", "|d|0")
    assert data.labelled(task=task("qqp"), path=str(glue)).test["QQP"].labels == [1, 0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("question1\tquestion2\nx\ty\n", "f:1: no column 'label' among question1, question2; " + REMEDY),
        ("question1\tquestion2\tlabel\tlabel\nx\ty\t0\t0\n",
         "f:1: 2 columns 'label' among question1, question2, label, label; " + REMEDY),
        ("question1\tquestion2\tlabel\n", "f: holds no row; fill it, or leave it out"),
        ("question1\tquestion2\tlabel\nx\ty\n", f"f:2: 2 fields where the header has 3; {TABS}"),
    ],
)  # fmt: skip
def test_a_file_without_a_good_row_is_refused_even_where_faulty_rows_are_skipped(glue, content, expected):
    (glue / "QQP" / "train.tsv").write_text(content)
    said = refused(task=task("qqp"), path=str(glue))
    assert said.replace(f"{glue}/QQP/train.tsv:", "f:") == expected


def test_a_damaged_line_is_left_out_once_where_faulty_rows_are_skipped(glue):
    head = b"question1\tquestion2\tlabel\nx\ty\t0\n"
    (glue / "QQP" / "train.tsv").write_bytes(head + b"caf\xe9\ty\t1\nx\0\ty\t1\n\t\t\nz\tw\t1\n")
    train = data.labelled(task=task("qqp"), path=str(glue)).splits["train"]
    assert (examples(train), train.left_out) == ([("x", "y", 0), ("z", "w", 1)], 3)


@pytest.mark.parametrize("name", SKIPPED)
def test_every_other_task_refuses_a_broken_row(glue, name):
    file = glue / task(name).folder / "train.tsv"
    with file.open("a") as stream:
        stream.write("one field\n")
    rows = len(CLASSIC[f"{task(name).folder}/train.tsv"])
    assert refused(task=task(name), path=str(glue)).startswith(f"{file}:{rows + 1}: 1 field where the header has ")


# Texts and labels of one's own.

LOCAL = '{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n'


def local(folder, content, ending=".jsonl", **settings):
    """What is read of a training file, with fixed validation and test files beside it."""
    file = folder / f"train{ending}"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "validation.jsonl").write_text(LOCAL)
    return data.labelled(task=task("local", **settings.pop("task", {})), path=str(folder), **settings)


def test_local_labels_are_named_by_the_training_file(tmp_path):
    found = local(tmp_path, 'text,label\r\nq,y\r\n"p, q",x\r\n', ".csv")
    assert (found.task.names, examples(found.splits["train"])) == (["x", "y"], [("q", "", 1), ("p, q", "", 0)])
    assert found.test == {}


def test_a_validation_label_that_training_has_not_is_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        local(tmp_path, '{"text": "a", "label": "x"}\n{"text": "b", "label": "z"}\n')
    problem = "is 'y', none of x, z; write one of them, or leave the row out"
    assert str(caught.value) == f"{tmp_path}/validation.jsonl:2: 'label' {problem}"


def test_a_part_of_the_training_file_is_held_out_where_there_is_no_validation_file(tmp_path):
    rows = [{"text": f"text {number}", "label": "xy"[number % 2]} for number in range(20)]
    (tmp_path / "f.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = data.labelled(task=task("local"), path=str(tmp_path / "f.jsonl"), validation_share=0.25)
    train, held = found.splits["train"].texts, found.splits["validation"].texts
    assert (len(train), len(held)) == (15, 5)
    assert sorted([*train, *held]) == sorted(row["text"] for row in rows)
    assert train == [row["text"] for row in rows if row["text"] in train]  # in the file's order
    shuffled = "\n".join(map(json.dumps, reversed(rows)))
    (tmp_path / "f.jsonl").write_text(shuffled)
    again = data.labelled(task=task("local"), path=str(tmp_path / "f.jsonl"), validation_share=0.25)
    assert set(again.splits["validation"].texts) == set(held)
    assert again.splits["train"].texts == train[::-1]


def test_max_train_rows_takes_the_same_rows_every_time_and_leaves_validation_whole(tmp_path):
    rows = "\n".join(json.dumps({"text": f"text {number}", "label": "xy"[number % 2]}) for number in range(20))
    few, more, all_ = (local(tmp_path, rows, max_train_rows=count).splits for count in (5, 10, 100))
    assert [len(splits["train"]) for splits in (few, more, all_)] == [5, 10, 20]
    assert set(few["train"].texts) < set(more["train"].texts)
    assert len(few["validation"]) == 2


def test_no_text_stands_on_both_sides_whatever_its_labels(tmp_path):
    texts = [f"t{number}" for number in range(40)]
    rows = [{"text": text, "label": label} for label in "xy" for text in texts]
    (tmp_path / "f.jsonl").write_text("\n".join(map(json.dumps, rows)))
    splits = data.labelled(task=task("local"), path=str(tmp_path / "f.jsonl")).splits
    held, kept = splits["validation"].texts, splits["train"].texts
    assert (len(held), len(set(held))) == (8, 4)
    assert sorted(kept + held) == sorted(2 * texts)
    assert not set(held) & set(kept)


@pytest.mark.parametrize("symmetric", [False, True])
def test_of_a_pair_the_first_text_is_on_one_side_or_where_it_may_be_the_second_the_pair(tmp_path, symmetric):
    pairs = [(f"a{n}", f"b{n}") for n in range(20)]
    rows = [*pairs, *([(b, a) for a, b in pairs] if symmetric else [(a, "other") for a, _ in pairs])]
    put(tmp_path / "f.tsv", "text|second|label", *(f"{one}|{two}|{n % 2}" for n, (one, two) in enumerate(rows)))
    paired = task("local", text_pair="second", symmetric=symmetric)
    splits = data.labelled(task=paired, path=str(tmp_path / "f.tsv"), validation_share=0.2).splits
    assert {name: len(split) for name, split in splits.items()} == {"train": 32, "validation": 8}
    sides = [{min(pair) for pair in splits[name].keys()} for name in ("train", "validation")]  # noqa: SIM118
    assert not set.intersection(*sides)


def test_a_text_that_is_in_every_row_cannot_be_held_out(tmp_path):
    put(tmp_path / "f.tsv", "text|label", "a|x", "a|y")
    said = refused(task=task("local"), path=str(tmp_path / "f.tsv"))
    assert said == "task=local: no other text would be left to train on; name a file: data.files.validation=…"


def test_the_share_of_each_label_is_that_of_the_training_rows(glue):
    assert data.labelled(task=task("cola"), path=str(glue)).shares() == {"unacceptable": 1 / 3, "acceptable": 2 / 3}
    assert data.labelled(task=task("stsb"), path=str(glue)).shares() == {}


def test_a_tokenizer_is_trained_on_both_texts_of_the_training_rows(glue):
    corpus = data.labelled(task=task("rte"), path=str(glue)).corpus()
    assert (corpus.name, list(corpus.read())) == ("rte-train", ["No weapons.", "A and b.", "Weapons.", "A."])
    assert corpus.notes == {"documents": 4}


def test_a_column_that_is_renamed_goes_before_one_that_has_the_name_already(tmp_path):
    content = "text,label,stars\na,1,x\nb,2,y\n"
    assert local(tmp_path, content, ".csv", rename={"stars": "label"}).task.names == ["x", "y"]
    with pytest.raises(ConfigError) as caught:
        local(tmp_path, content, ".csv", rename={"stars": "lable"})
    assert str(caught.value) == "'data.rename': local has no column 'lable'; rename to text, label"


@pytest.mark.parametrize("changed", [{"validation_share": 0.0}, {"validation_share": 1.0}, {"max_train_rows": 0}])
def test_a_range_that_is_wrong_is_named(tmp_path, changed):
    with pytest.raises(ValueError, match=f"^{next(iter(changed))} must "):
        local(tmp_path, LOCAL, **changed)


def test_the_order_and_the_labels_make_a_splits_fingerprint():
    prints = {
        Split(texts, pairs, labels).fingerprint()
        for texts, pairs, labels in [
            (["a", "b"], None, None), (["b", "a"], None, None), (["a", "b"], ["", ""], None), (["ab", ""], None, None),
            (["a", "b"], None, [0, 1]), (["a", "b"], None, [1, 0]), (["a"], None, None), ([], None, None),
        ]
    }  # fmt: skip
    assert len(prints) == 8


def test_a_regression_of_ones_own_takes_any_number(tmp_path):
    rows = [{"a": "s", "b": "t", "score": score} for score in (-1, "-1.5", 2e3)]
    for name in "fg":
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    of = task("local_regression", text="a", text_pair="b", label="score")
    files = {"train": str(tmp_path / "f.jsonl"), "validation": str(tmp_path / "g.jsonl"), "test": None}
    found = data.labelled(task=of, files=files)
    assert (found.splits["train"].labels, found.task.names) == ([-1.0, -1.5, 2000.0], [])


ROW = '{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n'
NAMES = {"labels": ["x", "y"]}
SAVE = "save the file as UTF-8 (iconv -f CP1252 -t UTF-8 if it is Windows' or Latin-1)"
ONE_OF = "write one of them, or leave the row out"
# Of each: the file's ending and content, what the task says beside its names of labels, and the message.
BAD: list[tuple[str, str | bytes, dict[str, object], str]] = [
    (".jsonl", ROW + '{"text": "c", "label": "z"}', NAMES, f"f:3: 'label' is 'z', none of x, y; {ONE_OF}"),
    (".jsonl", ROW + '{"text": "c", "label": "X"}', NAMES, f"f:3: 'label' is 'X', none of x, y; {ONE_OF}"),
    (".jsonl", ROW + '{"text": "c", "label": 2}', NAMES, f"f:3: 'label' is 2, none of x, y; {ONE_OF}"),
    (".jsonl", ROW + '{"text": "c", "label": -1}', {},
     "f:3: 'label' is -1, which stands for no label; leave the row out, or list it in task.labels"),
    (".jsonl", ROW + '{"text": "c", "label": NaN}', {},
     "f:3: 'label' is nan, which stands for no label; leave the row out, or list it in task.labels"),
    (".jsonl", ROW + '{"text": "c", "label": null}', {}, "f:3: 'label' is null; leave the row out"),
    (".jsonl", ROW + '{"text": "c", "label": ""}', {}, "f:3: 'label' is empty; leave the row out"),
    (".jsonl", ROW + '{"text": "c", "label": true}', NAMES, f"f:3: 'label' is True, none of x, y; {ONE_OF}"),
    (".jsonl", ROW + '{"text": "c", "label": 0.5}', NAMES, f"f:3: 'label' is 0.5, none of x, y; {ONE_OF}"),
    (".jsonl", ROW + '{"text": "c", "label": ["x"]}', {}, "f:3: 'label' is ['x']; write it as a string or a number"),
    (".jsonl", ROW + '{"text": "c", "label": {"x": 1}}', {},
     "f:3: 'label' is {'x': 1}; write it as a string or a number"),
    (".jsonl", ROW + '{"text": "c", "label": "\\ud800"}', {},
     "f:3: 'label' holds half a character (a lone surrogate); write it as UTF-8"),
    (".jsonl", ROW + '{"text": "c"}', {}, f"f:3: no column 'label' among text; {REMEDY}"),
    (".jsonl", ROW + '{"label": "x"}', {}, f"f:3: no column 'text' among label; {REMEDY}"),
    (".jsonl", ROW + '{"text": null, "label": "x"}', {}, "f:3: 'text' is null; leave the row out"),
    (".jsonl", ROW + '{"text": NaN, "label": "x"}', {}, "f:3: 'text' is nan; write it as a string"),
    (".jsonl", ROW + '{"text": 7, "label": "x"}', {}, "f:3: 'text' is 7; write it as a string"),
    (".jsonl", ROW + '{"text": " ", "label": "z"}', {}, "f:3: 'text' is empty; leave the row out"),
    (".jsonl", ROW + '{"text": "a\\u0000", "label": "x"}', {}, "f:3: 'text' holds a NUL character; take it out"),
    (".jsonl", ROW + '{"text": "c" "label": "x"}', {},
     "f:3: not JSON (Expecting ',' delimiter at character 14); write one object a line"),
    (".jsonl", ROW + '["c", "x"]', {}, "f:3: ['c', 'x'] where an object {\"text\": …} is expected; write one"),
    (".jsonl", ROW.encode() + b'{"text": "caf\xe9", "label": "x"}', {},
     f"f:3: is not UTF-8 (byte 0xe9 at 14); {SAVE}"),
    (".jsonl", ROW.encode("utf-16"), {}, "f: is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
    (".jsonl", "", {}, "f: holds no row; fill it, or leave it out"),
    (".jsonl", "\n \n", {}, "f: holds no row; fill it, or leave it out"),
    (".jsonl", '{"text": "a", "label": "x"}', {},
     "f: 'label' has 1 different labels ('x'); see that task.label names them"),
    (".jsonl", "".join(f'{{"text": "a", "label": {number}}}\n' for number in range(201)), {},
     "f: 'label' has 201 different labels ('0', '1', '10', …); task=local_regression predicts numbers"),
    (".csv", "text,label\n", {}, "f: holds no row; fill it, or leave it out"),
    (".csv", "", {}, "f: holds no row; fill it, or leave it out"),
    (".csv", "text,label\na,x\nb,y\n,x\n", {}, "f:4: 'text' is empty; leave the row out"),
    (".csv", "text,label\na,x\nb,y\nc,\n", {}, "f:4: 'label' is empty; leave the row out"),
    (".csv", "text,label\na,x\nb,y\nc,nan\n", {},
     "f:4: 'label' is nan, which stands for no label; leave the row out, or list it in task.labels"),
    (".csv", "text;label\na;x\nb;y\n", {},
     "f:1: has ';' between its columns; set commas, or tabs and let its name end in .tsv"),
    (".csv", "text,label,label\na,x,x\nb,y,y\n", {}, f"f:1: 2 columns 'label' among text, label, label; {REMEDY}"),
    (".csv", "text,label\na,x\nb,y\none, two,x\n", {},
     "f:4: 3 fields where the header has 2; quote fields with commas"),
    (".csv", 'text,label\na,x\nb,y\n"c,x\n', {},
     "f:4: quotes do not match (unexpected end of data); close them, and double those inside a field"),
    (".tsv", "text\tlabel\na\tx\nb\ty\nc\tx\tz\n", {}, f"f:4: 3 fields where the header has 2; {TABS}"),
    (".tsv", "a\tx\nb\ty\n", {}, f"f:1: no column 'text' among a, x; {REMEDY}"),
    (".tsv", b"text\tlabel\na\tx\nb\ty\nc\0\tx\n", {}, "f:4: holds a NUL byte; save the file as UTF-8 text"),
    (".parquet", b"PAR1", {}, "f: is no Parquet file, or damaged (Parquet file size is 4 bytes, smaller than the "
     "minimum file footer (8 bytes)); write it again"),
]  # fmt: skip


@pytest.mark.parametrize(("ending", "content", "changed", "expected"), BAD)
def test_a_bad_training_file_is_named_with_row_and_remedy_and_is_not_trained_on(
    tmp_path, ending, content, changed, expected
):
    with pytest.raises(DataError) as caught:
        local(tmp_path, content, ending, task=changed)
    assert str(caught.value).replace(f"{tmp_path}/train{ending}:", "f:") == expected


BAD_SCORES = [
    ("5.5", "f:3: 'label' is 5.5, beyond the scale from 0 to 5; correct it, or leave the row out"),
    ("-1", "f:3: 'label' is -1, beyond the scale from 0 to 5; correct it, or leave the row out"),
    ("NaN", "f:3: 'label' is nan, not a number; write one, or classify by names with task=local"),
    ("Infinity", "f:3: 'label' is inf; write a finite number"),
    ('"high"', "f:3: 'label' is 'high', not a number; write one, or classify by names with task=local"),
    ("false", "f:3: 'label' is False, not a number; write one, or classify by names with task=local"),
    ("[3]", "f:3: 'label' is [3]; write it as a string or a number"),
    ("null", "f:3: 'label' is null; leave the row out"),
]


@pytest.mark.parametrize(("score", "expected"), BAD_SCORES)
@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_bad_score_is_named_with_row_and_remedy_and_is_not_trained_on(tmp_path, split, score, expected):
    write_hub(tmp_path, "stsb", "jsonl")
    file = tmp_path / f"{split}.jsonl"
    with file.open("a") as stream:
        stream.write(f'\n{{"sentence1": "a", "sentence2": "b", "label": {score}}}')
    assert refused(task=task("stsb"), path=str(tmp_path)).replace(f"{file}:", "f:") == expected


@pytest.mark.parametrize("label", [pyarrow.array([1.0, math.nan]), pyarrow.array([1.0, None])])
def test_a_gap_in_a_column_of_numbers_is_no_label(tmp_path, label):
    table = pyarrow.table({"sentence1": ["a", "b"], "sentence2": ["c", "d"], "label": label})
    write_hub(tmp_path, "rte", "jsonl")
    (tmp_path / "train.jsonl").unlink()
    parquet.write_table(table, tmp_path / "train.parquet")
    assert f"{tmp_path}/train.parquet:2: 'label' is n" in refused(task=task("rte"), path=str(tmp_path))


def test_the_problems_of_all_splits_are_gathered(tmp_path):
    write_hub(tmp_path, "rte", "jsonl")
    for split in ("train", "validation", "test"):
        (tmp_path / f"{split}.jsonl").write_text('{"sentence1": "a", "sentence2": "", "label": 0}')
    said = refused(task=task("rte"), path=str(tmp_path)).splitlines()
    assert said == [f"{tmp_path}/{split}.jsonl:1: 'sentence2' is empty; leave the row out"
                    for split in ("train", "validation", "test")]  # fmt: skip


def test_an_empty_test_file_is_refused(tmp_path):
    write_hub(tmp_path, "rte", "jsonl")
    (tmp_path / "test.jsonl").write_text("")
    said = refused(task=task("rte"), path=str(tmp_path))
    assert said == f"{tmp_path}/test.jsonl: holds no row; fill it, or leave it out"


def test_texts_to_be_labelled_need_no_label(tmp_path):
    (tmp_path / "f.tsv").write_text("sentence\tlabel\nx\tmaybe\n")
    (tmp_path / "f.txt").write_text("one\n\n two \n")
    (tmp_path / "g.csv").write_text("review\nfine\n")
    assert read_texts(tmp_path / "f.tsv", task("cola")) == Split(["x"], None, None)
    assert read_texts(tmp_path / "f.txt", task("cola")) == Split(["one", "two"], None, None)
    assert read_texts(tmp_path / "g.csv", task("cola"), {"review": "sentence"}) == Split(["fine"], None, None)
    put(tmp_path / "p.tsv", "question1|question2", "x|y")
    assert read_texts(tmp_path / "p.tsv", task("qqp")) == Split(["x"], ["y"], None)


@pytest.mark.parametrize(
    ("name", "file", "content", "expected"),
    [
        ("cola", "f.txt", "\n\n", "f: holds no text; fill it"),
        ("cola", "f.csv", "sentence\n", "f: holds no row; fill it, or leave it out"),
        ("cola", "f.jsonl", '{"text": "x"}', f"f:1: no column 'sentence' among text; {REMEDY}"),
        ("qqp", "f.txt", "x\n", "f: a line is one text, and qqp has pairs; give a table with both columns"),
        ("qqp", "f.tsv", "question1\tquestion2\nx\t\ny\tz\n", "f:2: 'question2' is empty; leave the row out"),
        ("qqp", "f.tsv", "question1\tquestion2\nx\n", f"f:2: 1 field where the header has 2; {TABS}"),
    ],
)  # fmt: skip
def test_bad_texts_to_be_labelled_are_named(tmp_path, name, file, content, expected):
    (tmp_path / file).write_text(content)
    with pytest.raises(DataError) as caught:
        read_texts(tmp_path / file, task(name))
    assert str(caught.value).replace(f"{tmp_path / file}:", "f:") == expected
