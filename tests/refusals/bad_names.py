"""Wrong names."""

from collections.abc import Sequence

from asking import Case

CASES: Sequence[Case] = ()
