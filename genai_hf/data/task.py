"""What a labelled task is: nothing of it is guessed from the data but the names of a local task's labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

METRICS = {
    "classification": ("accuracy", "f1", "f1_macro", "matthews"),
    "regression": ("spearman", "pearson", "mean_squared_error"),
    "choice": ("accuracy",),
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """Classification of texts or pairs of texts by names, regression of a number, or a choice between texts.

    Args:
        name: For reports and files.
        text: Column of the text.
        label: Column of the label.
        problem: What is asked.
        metrics: Of METRICS for the problem; `f1` is that of the last of two labels.
        metric: The one of them that decides.
        validation: Splits to evaluate on; the first decides.
        text_pair: Column of the second text.
        symmetric: Whether the two texts may change places without another label.
        choices: Of a choice: the column that holds a list of texts, or a column for each; of Python's documentation the
            packages to choose from.
        labels: Their names, in the order of the numbers that a file may hold instead; None takes those that occur. Of a
            choice they are the places, from 0, which the data say.
        scale: Lowest and highest number of a regression.
        test: Splits to predict: name of the file of predictions to name of the split.
        answers: What that file calls the labels; None calls them by their names.
        source: Files (or the Hub), or Python's own documentation.
        hub: `name`, `config` and `revision` of the data set on the Hub.
        folder: Its name in GLUE's own folder.
        columns: A file's own names of columns, to those above.
        header: Column names of files whose first line has none.
        files: File names of splits that are not called after them.
        faulty_rows: Whether a row that is broken or empty is refused or left out.
        adversarial: Whether scores far below chance are to be expected.
        diagnostic: Another task, of a test set only, that this one's model answers.

    Raises:
        ValueError: A value does not suit another.
    """

    name: str
    text: str
    label: str
    problem: Literal["classification", "regression", "choice"]
    metrics: Sequence[str]
    metric: str
    validation: Sequence[str]
    text_pair: str | None = None
    symmetric: bool = False
    choices: str | Sequence[str] | None = None
    labels: Sequence[str | float] | None = None
    scale: Sequence[float] | None = None
    test: Mapping[str, str] = field(default_factory=dict)
    answers: Sequence[str] | None = None
    source: Literal["files", "python_docs"] = "files"
    hub: Mapping[str, Any] | None = None
    folder: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    header: Sequence[str] | None = None
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)
    faulty_rows: Literal["refuse", "skip"] = "refuse"
    adversarial: bool = False
    diagnostic: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for metric in (*self.metrics, self.metric):
            if metric not in METRICS[self.problem]:
                raise ValueError(f"metric {metric} is not for {self.problem}: {', '.join(METRICS[self.problem])}")
        if self.metric == "mean_squared_error":
            raise ValueError("metric=mean_squared_error is better where it is lower; take spearman or pearson")
        if self.metric not in self.metrics:
            raise ValueError(f"metric={self.metric} must be one of metrics={list(self.metrics)}")
        if self.problem == "regression" and self.labels is not None:
            raise ValueError("the labels of a regression have no names; take problem=classification")
        if (self.problem == "choice") != (self.choices is not None):
            raise ValueError("choices are given where problem=choice, and nowhere else")
        if self.source == "files":
            self._check_columns()
        if self.choices is not None:
            self._check_choices(self.choices)
        if self.symmetric and self.text_pair is None:
            raise ValueError("symmetric=true is for pairs; name the second text by text_pair")
        if self.scale is not None and self.problem != "regression":
            raise ValueError("scale is of a regression; leave it out, or take task=local_regression")
        if self.scale is not None and not (len(self.scale) == 2 and self.scale[0] < self.scale[1]):
            raise ValueError(f"scale must be a lowest and a highest number, got {list(self.scale)}")
        if self.labels is not None:
            self._check_labels(self.labels)

    def _check_columns(self) -> None:
        offered = [self.choices] if isinstance(self.choices, str) else self.choices or []
        columns = [("text", self.text), ("text_pair", self.text_pair), *(("choices", column) for column in offered)]
        known = dict[str, str]()
        for key, column in (*columns, ("label", self.label)):
            if column in known and known[column] != key:
                raise ValueError(f"{known[column]} and {key} are both '{column}'; name a column for each")
            if column is not None:
                known[column] = key

    def _check_choices(self, choices: str | Sequence[str]) -> None:
        if self.text_pair is not None:
            raise ValueError("of a choice the second texts are its choices; leave text_pair out")
        if self.source == "files" and not isinstance(choices, str) and len(set(choices)) < max(len(choices), 2):
            given = f"[{', '.join(map(str, choices))}]"
            raise ValueError(f"choices must be two or more columns, or one name without brackets, got {given}")

    def _check_labels(self, labels: Sequence[str | float]) -> None:
        if len(set(self.names)) != len(labels) or len(labels) < 2:
            raise ValueError(f"labels must be two or more different names, got {list(labels)}")
        if "f1" in self.metrics and len(labels) != 2:
            raise ValueError(f"f1 is for two labels; take f1_macro for these {len(labels)}")
        if self.answers is not None and len(self.answers) != len(labels):
            raise ValueError(f"answers must be as many as labels, got {list(self.answers)}")

    @property
    def columns_of_text(self) -> list[str]:
        """Columns that hold one text each."""
        named = [] if self.choices is None or isinstance(self.choices, str) else self.choices
        return [self.text, *([self.text_pair] if self.text_pair else []), *named]

    @property
    def scores(self) -> list[str]:
        """The metrics, the deciding one first."""
        return [self.metric, *(metric for metric in self.metrics if metric != self.metric)]

    @property
    def names(self) -> list[str]:
        """Names of the labels; none in a regression, whose one output has no name."""
        return [plain(label) for label in self.labels or ()]


def plain(value: Any) -> str:
    """A label as its name would be written; 1.0 is how a column of whole numbers with gaps holds a 1."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value).strip()
