"""What `inspect` shows of an example: lines of tokens, with what is done to each and what is predicted there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from numpy.typing import NDArray
from torch import Tensor

Kind: TypeAlias = Literal["plain", "special", "hidden", "replaced", "unchanged", "second", "span", "given", "predicted"]
Rates: TypeAlias = dict[str, tuple[int, int, float]]  # how often, out of how many, probability under the rule


@dataclass(frozen=True)
class Piece:
    """One token of a line.

    Args:
        token: Its id.
        kind: How it is shown.
        wanted: Id that has to be predicted at its place; None where nothing is.
        span: Number of the span that it belongs to or stands for, so that the two are shown in one colour.
    """

    token: int
    kind: Kind = "plain"
    wanted: int | None = None
    span: int = 0


@dataclass(frozen=True)
class View:
    """One example as the model sees it.

    Args:
        lines: Name to tokens, such as what the encoder and the decoder read; a single line has no name.
        note: What is known of the example as a whole, such as its label.
        mask: bool (queries, keys), which tokens each token may look at; None where it needs no picture.
    """

    lines: Mapping[str, Sequence[Piece]]
    note: str = ""
    mask: NDArray[Any] | None = None


class Collator(Protocol):
    """Rows in, one batch of tensors out; and what there is to see in it."""

    is_random: ClassVar[bool]  # whether its rates are those of independent draws, so that they lie inside a band

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Collate rows."""

    def view(self, row: dict[str, Any], batch: dict[str, Tensor]) -> View:
        """One example, given its row and the batch of it alone."""

    def measure(self, rows: Sequence[dict[str, Any]], batch: dict[str, Tensor]) -> Rates:
        """Count what was done to the rows, to be held against the rule."""
