"""What scores say that were repeated with other seeds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class Repeats:
    """Scores of runs that differ by their seed alone.

    Attributes:
        scores: One a run, at least one.
    """

    scores: Sequence[float]

    @property
    def mean(self) -> float:
        """Their mean."""
        return statistics.fmean(self.scores)

    @property
    def median(self) -> float:
        """Their median."""
        return statistics.median(self.scores)

    @property
    def deviation(self) -> float | None:
        """Standard deviation, with n - 1; None of one run."""
        return statistics.stdev(self.scores) if len(self.scores) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Interval that holds the mean over all seeds 95 times of 100, by Student's t; None of one run."""
        if self.deviation is None:
            return None
        count = len(self.scores)
        reach = float(stats.t.ppf(0.975, count - 1)) * self.deviation / math.sqrt(count)
        return self.mean - reach, self.mean + reach
