"""Files of texts that a finished run or a model is asked about and that are wrong."""

from collections.abc import Sequence

from asking import Case

RUN = {"run/metrics.json": "{}", "run/model/config.json": "{}", "m/config.json": "{}"}
TASK = "{name: local, text: text, label: label, problem: classification, labels: [no, yes], metrics: [accuracy]"
PAIRS = f"{TASK}, metric: accuracy, validation: [validation], text_pair: other}}"
SINGLE = PAIRS.replace(", text_pair: other", "")
ANSWERS = "decoding: {}\ndata: {input: question}\n"
NAME = "name another with task.text, task.text_pair, task.label, or data.rename={theirs:ours}"
KINDS = ".tsv, .jsonl, .ndjson, .json, .csv, .parquet, .txt (also .gz)"


def predict(cause: str, name: str, content: str | bytes, said: str, *, settings: str = f"task: {SINGLE}\n") -> Case:
    """A file for the verb predict."""
    files = {**RUN, "run/config.yaml": settings, name: content}
    return Case(cause=cause, words=["predict", "run", name], said=said, files=files)


def generate(cause: str, name: str, content: str | bytes, said: str) -> Case:
    """A file for the verb generate."""
    return Case(cause=cause, words=["generate", "m", "--file", name], said=said, files={**RUN, name: content})


CASES: Sequence[Case] = [
    predict("A file to predict lacks the column of the text", "a.csv", "review\nfine\n",
         f"a.csv:1: no column 'text' among review; {NAME}"),
    predict("A text to predict is empty", "a.csv", "id,text\n1,fine\n2,\n",
         "a.csv:3: 'text' is empty; leave the row out"),
    predict("A text to predict is null", "a.jsonl", '{"text": null}\n', "a.jsonl:1: 'text' is null; leave the row out"),
    predict("A file of texts to predict is blank", "a.txt", "\n\n", "a.txt: holds no text; fill it"),
    predict("A file of texts to predict is in UTF-16", "a.txt", "fine\n".encode("utf-16"),
         "a.txt: is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
    predict("Lines are given where pairs are taken", "a.txt", "fine\n",
         "a.txt: a line is one text, and local has pairs; give a table with both columns", settings=f"task: {PAIRS}\n"),
    predict("A file to predict is of a kind that is not read", "a.pdf", "fine\n",
         f"a.pdf: a file of texts ends in {KINDS}; rename it"),
    predict("A file of questions lacks their column", "a.csv", "q\nwho?\n",
         "a.csv:1: no column 'question' among q; call one question", settings=ANSWERS),
    generate("A file of prompts lacks their column", "a.csv", "text\nOnce\n",
         "a.csv:1: no column 'prompt' among text; call one prompt"),
    generate("A prompt is a number", "a.jsonl", '{"prompt": 3}\n', "a.jsonl:1: 'prompt' is 3; write it as a string"),
    generate("A line of prompts is in Latin-1", "a.txt", b"Once\ncaf\xe9\n",
         "a.txt:2: is not UTF-8 (byte 0xe9 at 4); save the file as UTF-8 (iconv -f CP1252 -t UTF-8 if it is Windows' "
         "or Latin-1)"),
    generate("A file of prompts is of a kind that is not read", "a.pdf", "Once\n",
         f"a.pdf: no such file of prompts; its name must end in {KINDS}"),
]  # fmt: skip
