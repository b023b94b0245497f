"""Data files that are not there, are no files, are of another kind, or cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asking import Case


@dataclass(frozen=True, kw_only=True)
class Placed(Case):
    """One mistake with links and folders beside its files.

    Args:
        links: What each points at, by relative path.
        folders: Relative paths.
    """

    links: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()

    def lay_out(self, folder: Path) -> None:
        """Write the case's files, folders and links into `folder`."""
        super().lay_out(folder)
        for name in self.folders:
            (folder / name).mkdir()
        for name, target in self.links.items():
            (folder / name).symlink_to(target)


def place(cause: str, path: str, said: str, *, data: str = "csv", **placed: Any) -> Case:
    """A place of data, in a folder with two good files."""
    words = ["bert_mlm", f"data={data}", f"data.path={path}"]
    files = {"notes.txt": "fine\n", "novel.csv": "text\nfine\n"}
    return Placed(cause=cause, words=words, said=said, files=files, **placed)


def folder(cause: str, said: str, *names: str, recipe: Sequence[str] = ("glue", "task=local")) -> Case:
    """A folder f with a file for each split, and what else is said of it."""
    files = {f"f/{name}": "text,label\none,no\ntwo,yes\n" for name in names if "=" not in name}
    words = [*recipe, "data.path=f", *(name for name in names if "=" in name)]
    return Case(cause=cause, words=words, said=said, files=files)


CASES: Sequence[Case] = [
    place("A file is not there", "novels.csv", "novels.csv: no such file; ./ holds novel.csv, notes.txt"),
    place("No file matches a pattern", "*.tsv", "*.tsv: no file matches; ./ holds notes.txt, novel.csv"),
    place("Braces are taken for a pattern", "'{novel,notes}.csv'",
         "{novel,notes}.csv: no such file (braces are no pattern here); ./ holds novel.csv, notes.txt"),
    place("A file lies at an address", "https://example.org/novel.csv",
         "https://example.org/novel.csv: nothing is downloaded from an address; fetch it, and name the file"),
    place("A folder is not there", "books/a.csv", "books/a.csv: no such file; ./ holds notes.txt, novel.csv"),
    place("A file is taken for a folder", "novel.csv/a.csv",
         "novel.csv/a.csv: no such file; ./ holds notes.txt, novel.csv"),
    place("A folder holds nothing of the kind", "books", "books: no .parquet file in this folder; books/ holds nothing",
         data="parquet", folders=["books"]),
    place("A folder is called as a file", "a.csv",
         "a.csv: no .csv (also .gz) file in this folder; a.csv/ holds nothing", folders=["a.csv"]),
    place("A file is of another kind", "notes.txt",
         "notes.txt: data=csv reads .csv (also .gz); read it with data=text"),
    place("A file is of a kind that is not read", "novel.csv",
         "novel.csv: data=json reads .json or .jsonl or .ndjson (also .gz); read it with data=csv", data="json"),
    place("A link leads nowhere", "a.csv",
         "a.csv: no such file; ./ holds a.csv (a link to nothing), notes.txt, novel.csv", links={"a.csv": "gone.csv"}),
    place("Links lead round in a circle", "a.csv",
         "a.csv: no such file; ./ holds a.csv (a link to nothing), b.csv (a link to nothing), notes.txt, novel.csv",
         links={"a.csv": "b.csv", "b.csv": "a.csv"}),
    folder("A folder holds the training set in two kinds of file",
           "f/train.jsonl: train.csv could be of train, too; rename one, or name one: data.files.train=…",
           "train.csv", "train.jsonl"),
    folder("A folder holds two files to validate on",
           "f/dev.csv: valid.csv could be of validation, too; rename one, or name one: data.files.validation=…",
           "train.csv", "dev.csv", "valid.csv", recipe=("t5_qa", "pairs=questions")),
    folder("Nothing is there to predict", "'predict': task=local has no test file here; leave it out",
           "train.csv", "predict=true"),
    folder("A model is to be validated on what it was trained on",
           "'data.files.validation': f/train.csv is of train, too; name it once",
           "train.csv", "data.files.validation=f/train.csv"),
    folder("Answers are to be scored on what was trained on",
           "'data.files.test': f/train.csv is of train, too; name it once",
           "train.csv", "data.files.test=f/train.csv", recipe=("t5_qa", "pairs=questions")),
]  # fmt: skip
