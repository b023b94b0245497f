"""Examples of one or more sequences as rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from genai_hf.data.labelled import Labelled
from genai_hf.data.remarks import shortened, tell
from genai_hf.data.splits import Split
from genai_hf.encoding.blocks import EVALUATION, Index
from genai_hf.encoding.encoded import numbered
from genai_hf.encoding.layout import Example, Layout
from genai_hf.settings.task_files import TRAIN


class LaidOut(Dataset[dict[str, Any]]):
    """The examples of a split as rows.

    A row is ``{"input_ids": int64 (T,), "lengths": int64 (S,), "seconds": int64 (S,), "example_id": int, "epoch":
    int}``: S sequences one after another, their lengths, and where in each what follows the delimiter begins; and
    ``"label"`` where it is known. It is asked for by ``(epoch, index)``, or by index.

    Args:
        split: The examples.
        examples: The same as token ids.
        first_example_id: Number of the first row, so that no two splits share one.
        evaluation: Rows are of epoch -1 whatever is asked for.

    Attributes:
        lengths: (examples, sequences) tokens of the sequences of each, all as long as its longest; 0 for those that it
            has fewer than another.
        labels: (examples,) float64, if known.
        cut: (examples,) bool.
    """

    def __init__(
        self, split: Split, examples: Sequence[Example], *, first_example_id: int = 0, evaluation: bool = False
    ) -> None:
        sequences = [sequence for example in examples for sequence in example.sequences]
        counts = np.array([len(example.sequences) for example in examples], dtype=np.int64)
        longest = np.array([max(map(len, example.sequences)) for example in examples], dtype=np.int64)
        self.lengths = np.where(np.arange(counts.max(initial=0)) < counts[:, None], longest[:, None], 0)
        self.labels = None if split.labels is None else np.array(split.labels, dtype=np.float64)
        self.first_example_id, self.evaluation = first_example_id, evaluation
        self.cut = np.array([example.cut for example in examples], dtype=bool)
        self.fingerprint = f"{split.fingerprint()[:16]}-{len(split)}"
        self._ids = np.fromiter((token for ids in sequences for token in ids), dtype=np.int32)
        self._sizes = np.array([len(ids) for ids in sequences], dtype=np.int64)
        self._seconds = np.array([second for example in examples for second in example.seconds], dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        self._firsts = np.concatenate([[0], np.cumsum(counts)])

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: Index) -> dict[str, Any]:
        epoch, number = index if isinstance(index, tuple) else (0, index)
        first, end = self._firsts[number : number + 2]
        row = {
            "input_ids": self._ids[self._starts[first] : self._starts[end]].astype(np.int64),
            "lengths": self._sizes[first:end],
            "seconds": self._seconds[first:end],
            "example_id": self.first_example_id + number,
            "epoch": EVALUATION if self.evaluation else epoch,
        }
        return row if self.labels is None else row | {"label": float(self.labels[number])}


def lay_out(*, examples: Labelled, layout: Layout, predict: bool = False) -> dict[str, LaidOut]:
    """Rows of ``train``, of ``validation`` (all sets to evaluate on, one after another), and of test sets.

    Args:
        examples: With the task.
        layout: What makes sequences of them.
        predict: Whether to take the test sets whose labels are not known, too.
    """
    rows = dict[str, LaidOut]()
    for name, split, first in numbered(examples, predict=predict):
        rows[name] = LaidOut(split, layout(split), first_example_id=first, evaluation=name != TRAIN)
        tell(name, split.repeated() if name == TRAIN else "", shortened(rows[name].cut, layout.length))
    return rows
