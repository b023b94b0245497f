"""Labels of whole texts: cross-entropy of a class, or squared error of a number (Devlin et al. 2018, section 4.1).

Labels are in the task's own order everywhere; a checkpoint whose head has another order is read by the names in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn

from genai_hf.errors import UserError
from genai_hf.losses import cross_entropy_sum, squared_error_sum
from genai_hf.metrics.labelled import order_fault, score
from genai_hf.models.pooling import last_token

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """The objective of `LabelledCollator`'s batches.

    Args:
        names: Of the classes, in the task's order; none in a regression.
        scores: Names of the figures (`genai_hf.metrics.labelled`), the deciding one first.
        validation: Sets in the order of the evaluation rows, name to number of rows. The figures of the first have no
            prefix, those of the others their set's name.
        train_labels: (rows,) what is trained on: always answering its commonest class, or its mean, is the yardstick.
        order: For each class its place in the model's output; empty is the same order.
        adversarial: Whether a score far below chance is no sign of mixed-up classes.
    """

    names: Sequence[str]
    scores: Sequence[str]
    validation: Mapping[str, int]
    train_labels: NDArray[np.float64]
    order: Sequence[int] = ()
    adversarial: bool = False
    weights: ClassVar[Mapping[str, float]] = {"label": 1.0}
    _order: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_order", torch.tensor(self.order or range(max(len(self.names), 1))))

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term."""
        return {"label": torch.tensor(len(batch["labels"]))}

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets."""
        return {"label": self.loss(self.outputs(model, batch), batch["labels"])}

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Sum of the losses of outputs (N, classes or 1), in the task's order, given what is right (N,)."""
        if self.names:
            return cross_entropy_sum(outputs, labels.long())
        exact = torch.promote_types(outputs.dtype, torch.float32)  # labels rounded to bfloat16 would be others
        return squared_error_sum(outputs.squeeze(1), labels.to(exact))

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs (B, classes or 1), in the task's order, and what is right (B,), where that is known."""
        outputs = {"outputs": self.outputs(model, batch).float()}
        return outputs | {"labels": batch["labels"]} if "labels" in batch else outputs

    def metrics(self, totals: Mapping[str, Any]) -> dict[str, float]:
        """Figures of each validation set, the deciding one of the first set first, and those of the yardstick.

        Args:
            totals: `outputs` (N, classes or 1) and `labels` (N,) of all evaluation rows, in their order.

        Raises:
            UserError: Classes seem to be mixed up.
        """
        figures, start = dict[str, float](), 0
        for number, (name, rows) in enumerate(self.validation.items()):
            outputs, labels = (totals[key][start : start + rows] for key in ("outputs", "labels"))
            self._require_order(name, labels, outputs)
            prefix = f"{name}_" if number else ""
            figures |= {f"{prefix}{key}": value for key, value in self.figures(outputs, labels).items()}
            start += rows
        labels = totals["labels"][: next(iter(self.validation.values()))]
        yardstick = score(self.scores, labels, np.full(len(labels), self.commonest))
        return figures | {f"majority_{key}": value for key, value in yardstick.items()}

    def figures(
        self, outputs: NDArray[np.float64], labels: NDArray[np.float64], scores: Sequence[str] = ()
    ) -> dict[str, float]:
        """Figures of one set, the deciding one first, and the mean loss; `scores` are others than the task's own."""
        loss = self.loss(torch.from_numpy(outputs), torch.from_numpy(labels))
        return score(scores or self.scores, labels, self.predicted(outputs)) | {"loss": float(loss) / len(labels)}

    def predicted(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Number of the most probable class, or the value, of each row of outputs (N, classes or 1)."""
        return outputs.argmax(1).astype(float) if self.names else outputs[:, 0]

    @property
    def commonest(self) -> float:
        """The class that most training rows have, or the mean of their values."""
        if self.names:
            return float(np.bincount(self.train_labels.astype(int), minlength=len(self.names)).argmax())
        return float(self.train_labels.mean())

    def outputs(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The model's outputs (B, classes or 1) in the task's order.

        Raises:
            ValueError: The model has another number of outputs.
        """
        inputs = {name: batch[name] for name in INPUTS if name in batch}
        with last_token(model, batch["attention_mask"]):
            outputs: Tensor = model(**inputs).logits
        wanted = (len(batch["input_ids"]), len(self._order))
        if tuple(outputs.shape) != wanted:
            raise ValueError(f"the model's outputs are {tuple(outputs.shape)}, not {wanted}")
        return outputs[:, self._order.to(outputs.device)] if self.order else outputs

    def _require_order(self, name: str, labels: NDArray[np.float64], outputs: NDArray[np.float64]) -> None:
        if not self.names or self.adversarial:
            return
        wrong = order_fault(labels.astype(int), softmax(outputs, axis=1), self.names)
        if wrong is not None:
            remedy = (
                "see that it means the same by a label as the training set, or name a checkpoint's head by head_labels"
            )
            raise UserError(f"the labels of {name} are mixed up: {wrong}; {remedy}")
