"""Lives of a run: the command in a forked process, which can be killed; what it leaves is looked at in between.

The parent has imported the libraries once, so a life is short. Nothing of the run is in the parent.
"""

import contextlib
import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}  # a forked process must not inherit a pool of threads

import torch
import transformers  # noqa: F401
from transformers import BertForMaskedLM, Trainer  # noqa: F401 - so that no life has to import them

from genai_hf import cli
from genai_hf.training import checkpoints


def begin(words: Sequence[str], root: Path, before: Callable[[], None] | None = None) -> int:
    """Run the command in a new process, its messages appended to ``root/said``; return its id."""
    root.mkdir(parents=True, exist_ok=True)
    pid = os.fork()
    if pid:
        return pid
    try:
        os.environ |= {"GENAI_HF_ROOT": str(root), "GENAI_HF_CACHE": str(root / "cache")}
        said = os.open(root / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        torch.set_num_threads(1)
        if before is not None:
            before()
        code = cli.main(list(words))
    except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
        import traceback

        traceback.print_exc()
        code = 1
    os._exit(code)


def end(pid: int) -> int:
    """Wait for it; its exit code, negative for the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def ended(pid: int) -> int | None:
    """Its exit code if it has ended."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def run_through(words: Sequence[str], root: Path) -> None:
    """One undisturbed life.

    Raises:
        RuntimeError: It did not end well.
    """
    code = end(begin(words, root))
    if code:
        raise RuntimeError(f"exit code {code}: {(root / 'said').read_text(encoding='utf-8')[-2000:]}")


def left_by(run: Path) -> dict[str, str]:
    """What a finished run left: the digest of its model, and every logged loss and norm by step."""
    found = {"weights": hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()}
    for number, line in enumerate((run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()):
        entry = json.loads(line)
        found[f"line {number}"] = f"step {entry['step']}: {entry.get('loss')}, {entry.get('grad_norm')}"
    return found


def steps_taken(run: Path) -> int:
    """Of the last line of its log; 0 before there is one."""
    file = run / "metrics.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    for line in reversed(lines):
        try:
            return int(json.loads(line)["step"])
        except ValueError:
            continue
    return 0


def log_of(run: Path) -> int:
    """Which file its log is: a life that begins to train puts another in its place."""
    file = run / "metrics.jsonl"
    return file.stat().st_ino if file.is_file() else 0


def saving(run: Path) -> set[tuple[str, int]]:
    """Folders of a checkpoint that is being written or deleted, or that an earlier life left so: names and inodes."""
    found = [path for pattern in (checkpoints.STAGE, f"{checkpoints.DELETED}*") for path in run.glob(pattern)]
    with contextlib.suppress(FileNotFoundError):  # one that goes meanwhile
        return {(path.name, path.stat().st_ino) for path in found}
    return set()


def newest_step(run: Path) -> int:
    """Of the newest checkpoint that verifies; 0 where there is none."""
    checkpoint, _ = checkpoints.newest(run)
    return checkpoints.step(checkpoint) if checkpoint else 0


def kill(pid: int) -> int:
    """SIGKILL it, and return how it ended: it may have been quicker."""
    os.kill(pid, signal.SIGKILL)
    return end(pid)


def wait_until(condition: Callable[[], bool], pid: int) -> int | None:
    """Look every half millisecond; the exit code if the process ended before the condition held."""
    while not condition():
        code = ended(pid)
        if code is not None:
            return code
        time.sleep(0.0005)
    return None
