"""Room on the disk: looked for before a run and before each checkpoint, and said when it ends all the same."""

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peft import PeftModel
from safetensors import SafetensorError
from torch import Tensor, nn

from genai_hf.errors import NoRoomError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the disk, the quota, the largest file that is allowed
SLACK = 1 << 20  # for everything that is small


def checkpoint_bytes(model: nn.Module, optimizer: str) -> int:
    """Size of a checkpoint before there is an optimizer, at least: weights, and Adam's two numbers for each of them.

    Args:
        model: An adapter's checkpoint holds the adapter only.
        optimizer: Its name in TrainingArguments; of others than Adam's kind nothing is counted.
    """
    trained = sum(weight.numel() * weight.element_size() for weight in model.parameters() if weight.requires_grad)
    return model_bytes(model) + (2 * trained if "adamw" in optimizer and "bit" not in optimizer else 0)


def model_bytes(model: nn.Module) -> int:
    """Size of what is saved of a model: weights and buffers, each once; of one with an adapter, what is trained."""
    if isinstance(model, PeftModel):
        return sum(weight.numel() * weight.element_size() for weight in model.parameters() if weight.requires_grad)
    different = {tensor.data_ptr(): tensor for tensor in model.state_dict().values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in different.values())


def state_bytes(tree: Any) -> int:
    """Size of the tensors in a nested state."""
    if isinstance(tree, Tensor):
        return tree.numel() * tree.element_size()
    if isinstance(tree, dict):
        return sum(map(state_bytes, tree.values()))
    return sum(map(state_bytes, tree)) if isinstance(tree, (list, tuple)) else 0


def require(folder: Path, need: int, what: str, remedy: str) -> None:
    """See that so much fits.

    Args:
        folder: On the disk in question.
        need: Bytes.
        what: What they are for.
        remedy: What to do where they do not fit.

    Raises:
        NoRoomError: They do not.
    """
    have = shutil.disk_usage(folder).free
    if need + SLACK > have:
        raise NoRoomError(f"{folder}: {what} takes {megabytes(need + SLACK)}, {megabytes(have)} are free; {remedy}")


@contextmanager
def named(folder: Path, what: str) -> Iterator[None]:
    """Say of a write within that found the disk full where it was.

    Raises:
        NoRoomError: It did.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        other = isinstance(error, OSError) and error.filename and not _is_below(error.filename, folder)
        if not is_full(error) or other:
            raise
        have = megabytes(shutil.disk_usage(folder).free)
        raise NoRoomError(
            f"{folder}: the disk filled up in {what}, {have} are free; free some, then repeat the command"
        ) from error


def _is_below(file: Any, folder: Path) -> bool:
    return Path(file).resolve().is_relative_to(folder.resolve())


def is_full(error: BaseException) -> bool:
    """Whether the error means that the disk or the quota has no room."""
    if isinstance(error, SafetensorError):  # has the system's error as text only
        number = re.search(r"os error (\d+)", str(error))
        return number is not None and int(number[1]) in FULL
    return isinstance(error, OSError) and error.errno in FULL


def megabytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"
