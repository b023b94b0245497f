"""Which of a launcher's processes this is; without a launcher it is the only one."""

import os


def rank() -> int:
    """This process's place among all, from 0."""
    return int(os.environ.get("RANK", "0"))


def ranks() -> int:
    """Number of processes."""
    return int(os.environ.get("WORLD_SIZE", "1"))
