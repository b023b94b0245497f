"""Knowledge distillation: any objective of one term, and beside it what a teacher says of the same examples.

Hinton et al. 2015, "Distilling the Knowledge in a Neural Network", arXiv:1503.02531, section 2: both distributions are
softened by a temperature T, and their divergence is multiplied by T^2, since its gradient shrinks by 1 / T^2; labels
count at a temperature of 1. Sanh et al. 2019, "DistilBERT", arXiv:1910.01108, section 3: the cosine of both models'
last hidden states as a third term. Of a regression, which neither has, the soft term is the squared error to the
teacher's value. Every term is a sum over the same targets, so each is exact however a batch is cut up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genai_hf.losses import cosine_distance_sum, divergence_sum, squared_error_sum
from genai_hf.models.watched import watched
from genai_hf.objectives import Objective
from genai_hf.objectives.teachers import Teacher, coarse, rows_of

SOFT, COSINE = "soft", "cosine"


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """What the loss is made of: (1 - alpha) labels + alpha teacher + cosine x hidden states.

    Args:
        temperature: T, above 0.
        alpha: Weight of the teacher's distribution, in [0, 1]; that of the labels is 1 - alpha.
        cosine: Weight of the hidden states' distance, at least 0.

    Raises:
        ValueError: A value lies outside its range.
    """

    temperature: float = 2.0
    alpha: float = 0.5
    cosine: float = 0.0

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}")
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha must be in [0, 1], got {self.alpha}")
        if self.cosine < 0:
            raise ValueError(f"cosine must be at least 0, got {self.cosine}")


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """The objective `hard` with a teacher; whatever else is asked of it, such as its figures, are those of `hard`.

    Args:
        hard: Of one term; its loss and its evaluation stay as they are.
        teacher: Says what it makes of a batch.
        loss: The weights, and the temperature.
    """

    hard: Objective
    teacher: Teacher
    loss: Mixture

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["hard"], name)

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of each term in the loss; a term of no weight is not computed."""
        labels = {term: (1 - self.loss.alpha) * weight for term, weight in self.hard.weights.items()}
        return labels | {term: weight for term, weight in self._of_teacher.items() if weight}

    def count(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Number of targets of each term: the same for all."""
        ((term, number),) = self.hard.count(batch).items()
        return {term: number} | dict.fromkeys(self._of_teacher, number)

    def sums(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Sum of each term's loss over its targets, by one call of each model's forward."""
        if not any(self._of_teacher.values()):
            return self.hard.sums(model, batch)
        with watched(model, states=bool(self.loss.cosine)) as seen:
            sums = self.hard.sums(model, batch)
        said, (logits, states) = self.teacher(batch), rows_of(seen, batch)
        sums[SOFT] = self._soft(logits[:, : said.width], said.scores, said.ids)
        if said.states is not None and states is not None:
            sums[COSINE] = cosine_distance_sum(said.states, states)
        return sums

    def tally(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """As `hard`."""
        return self.hard.tally(model, batch)

    def metrics(self, totals: Mapping[str, Any]) -> dict[str, float]:
        """As `hard`."""
        return self.hard.metrics(totals)

    @property
    def _of_teacher(self) -> dict[str, float]:
        return {SOFT: self.loss.alpha, COSINE: self.loss.cosine}

    def _soft(self, logits: Tensor, scores: Tensor, ids: Tensor | None) -> Tensor:
        """T^2 times the divergence from what the teacher says, or the squared error to its value."""
        temperature, exact = self.loss.temperature, torch.promote_types(logits.dtype, torch.float32)
        logits, scores = logits.to(exact), scores.to(exact)
        if logits.shape[1] == 1:
            return squared_error_sum(logits[:, 0], scores[:, 0])
        found = (logits / temperature).log_softmax(-1)
        wanted = (scores / temperature).log_softmax(-1) if ids is None else scores
        return temperature**2 * divergence_sum(wanted, found if ids is None else coarse(found, ids))
