"""How much memory this process holds: on a processor what is resident, on a GPU what PyTorch has given out there."""

import os
import resource
import weakref
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # of Linux


def forget_most(device: torch.device) -> None:
    """Let `most_held` begin anew; where the system cannot (elsewhere than on Linux) it goes on from before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif os.access(RESET, os.W_OK):
        RESET.write_text("5", encoding="utf-8")  # 5: the peak of the resident set, see proc_pid_clear_refs(5)


def most_held(device: torch.device, own: int = 0) -> int:
    """Bytes that were held at one time at most.

    Args:
        device: On which.
        own: Bytes of the libraries, which do not count; none of them are on a GPU.
    """
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    lines = STATUS.read_text(encoding="utf-8").splitlines() if STATUS.exists() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1]) - own
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - own


def free(device: torch.device) -> int:
    """Bytes that are there to be had."""
    return int(torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available)


class Made(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors that are made within this context.

    Attributes:
        most: Of them lived so many at one time at most.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._known = set[int]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for tensor in tree_leaves((args, kwargs)):
            self._see(tensor, is_new=False)
        found = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(found):
            self._see(tensor, is_new=True)
        return found

    def _see(self, tensor: Any, *, is_new: bool) -> None:
        """Count a tensor's memory when it is first seen, unless it was there before this context."""
        if not isinstance(tensor, Tensor) or (storage := tensor.untyped_storage())._cdata in self._known:
            return
        size = storage.nbytes() if is_new else 0
        self._known.add(storage._cdata)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, storage._cdata, size)

    def _gone(self, storage: int, size: int) -> None:
        self._known.discard(storage)
        self.now -= size
