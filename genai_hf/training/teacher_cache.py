"""What a teacher says of every training row, written down once: a student then learns without the teacher running.

Of a classifier all logits are kept. Of a language model, at each target, the k most probable tokens with their log
probabilities at the loss' temperature; all other tokens count as one, so that the loss is the divergence between two
distributions, and a lower bound of the one over all tokens. A part is whole or not there at all, so a killed process
goes on after its last one; its checksums are compared whenever it is used.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genai_hf import files
from genai_hf.data.cache import cache_folder, staged
from genai_hf.data.progress import slow_work
from genai_hf.objectives.teachers import InTheLoop, Said, with_rest
from genai_hf.ranks import rank, ranks
from genai_hf.training.batches import EXAMPLES
from genai_hf.training.trainer import Trainer

ROWS = 2048  # of a part: so many are computed again at most
BYTES = 32  # kept of a target at most
CHECKSUMS = "sha256.json"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of each target.

    Args:
        classes: Number of classes.
        top_k: So many of the most probable ones, at least 1 and no more than fit into 32 bytes; None: all logits.
        temperature: Of the probabilities.

    Raises:
        ValueError: `top_k` lies outside its range.
    """

    classes: int
    top_k: int | None = None
    temperature: float = 1.0

    def __post_init__(self) -> None:
        most = BYTES // (self.number.itemsize + 2)
        if self.top_k is not None and not 1 <= self.top_k <= most:
            raise ValueError(f"top_k must be from 1 to {most} with {self.classes:,} tokens, got {self.top_k}")

    @property
    def number(self) -> np.dtype[Any]:
        """Type of a class's number."""
        return np.dtype(np.uint16 if self.classes <= 2**16 else np.uint32)

    def of(self, said: Said) -> Arrays:
        """Of what a teacher says of N targets: `scores` (N, C) float32; or (N, k) float16 with `ids`."""
        if self.top_k is None:
            return {"scores": said.scores.float().cpu().numpy()}
        softened = (said.scores.float() / self.temperature).log_softmax(-1)
        scores, ids = softened.topk(min(self.top_k, self.classes))
        return {"scores": scores.half().cpu().numpy(), "ids": ids.cpu().numpy().astype(self.number)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Cached:
    """A teacher whose answers lie in a folder, memory-mapped.

    Args:
        folder: With all parts, see `cached`.
        parts: Their number.
        kept: What of each target.
        first: Number of the first row's example.
    """

    folder: Path
    parts: int
    kept: Kept
    first: int = 0
    _parts: list[Arrays] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = ("starts", "scores") + (("ids",) if self.kept.top_k is not None else ())
        parts = [
            {name: np.load(_part(self.folder, number) / f"{name}.npy", mmap_mode="r") for name in names}
            for number in range(self.parts)
        ]
        object.__setattr__(self, "_parts", parts)

    def __call__(self, batch: Mapping[str, Any]) -> Said:
        """What it says of a batch, which names its rows (`example_ids`)."""
        device, rows = batch["input_ids"].device, [self._row(example - self.first) for example in batch[EXAMPLES]]
        scores = torch.from_numpy(np.concatenate([row["scores"] for row in rows]).astype(np.float32)).to(device)
        if self.kept.top_k is None:
            return Said(scores, self.kept.classes)
        ids = torch.from_numpy(np.concatenate([row["ids"] for row in rows]).astype(np.int64)).to(device)
        whole = ids.shape[1] == self.kept.classes
        return Said(scores if whole else with_rest(scores), self.kept.classes, ids=ids)

    @property
    def note(self) -> str:
        """How much of the distribution is kept, of a language model."""
        if self.kept.top_k is None:
            return ""
        share = float(np.exp(self._parts[0]["scores"].astype(np.float32)).sum(1).mean())
        return (
            f"The cache holds the teacher's {self.kept.top_k} most probable tokens of each place, {share:.1%} of its "
            f"probability at a temperature of {self.kept.temperature:g}; all others count as one, so what is learnt is "
            "coarser than with the teacher in the loop."
        )

    def _row(self, number: int) -> Arrays:
        part, place = self._parts[number // ROWS], number % ROWS
        start, end = part["starts"][place : place + 2]
        return {name: array[start:end] for name, array in part.items() if name != "starts"}


def cached(trainer: Trainer, columns: Sequence[int], kept: Kept, root: Path | None = None) -> Cached:
    """What a teacher says of its training rows, from the cache; what is missing or damaged there is computed now.

    Args:
        trainer: The teacher's: its model, rows, and collator. Each rank takes its share of the parts.
        columns: Its classes in the student's order.
        kept: What of each target.
        root: Folder instead of the user's own cache.
    """
    folder = (root or cache_folder()) / "teachers" / _key(trainer, columns, kept)
    parts = -(-(size := len(trainer.train_dataset)) // ROWS)
    mine = [number for number in range(rank(), parts, ranks()) if not _is_whole(_part(folder, number))]
    teacher = InTheLoop(model=trainer.model, hard=trainer.objective, columns=columns)
    with slow_work("asking the teacher", len(mine) * ROWS) as advance:
        for number in mine:
            with staged(_part(folder, number)) as new:
                arrays = _asked(trainer, teacher, kept, range(number * ROWS, min((number + 1) * ROWS, size)), advance)
                for name, array in arrays.items():
                    np.save(new / f"{name}.npy", array)
                files.write_json(new / CHECKSUMS, _checksums(new))
    trainer.accelerator.wait_for_everyone()
    return Cached(folder=folder, parts=parts, kept=kept, first=int(trainer.train_dataset[0, 0]["example_id"]))


def _asked(trainer: Trainer, teacher: InTheLoop, kept: Kept, rows: range, advance: Any) -> Arrays:
    """Of some rows: `starts` (rows + 1,) of each one's targets, and what is kept of them."""
    found, counts, size = list[Arrays](), list[NDArray[np.int64]](), trainer.args.per_device_eval_batch_size
    for some in (rows[start : start + size] for start in range(0, len(rows), size)):
        batch = trainer._prepare_inputs(_collated(trainer, some))
        found.append(kept.of(teacher(batch)))
        counts.append(_targets(batch))
        advance(len(some))
    arrays = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    return {"starts": np.concatenate([[0], *counts]).cumsum()} | arrays


def _targets(batch: Mapping[str, Tensor]) -> NDArray[np.int64]:
    """Number of targets in each row, (B,)."""
    if "label_positions" not in batch:
        return np.ones(len(batch["input_ids"]), dtype=np.int64)
    rows, length = batch["labels"].shape
    return np.bincount(batch["label_positions"].cpu().numpy() // length, minlength=rows)


def _collated(trainer: Trainer, rows: range) -> dict[str, Tensor]:
    batch: dict[str, Tensor] = trainer.data_collator([trainer.train_dataset[0, row] for row in rows])
    return batch


def _key(trainer: Trainer, columns: Sequence[int], kept: Kept) -> str:
    """SHA-256 of all that the answers depend on: weights, what the teacher reads, and what is kept."""
    size = len(trainer.train_dataset)
    facts = (list(columns), kept, size, ROWS, trainer.args.bf16, trainer.args.fp16)
    config = {**trainer.model.config.to_dict(), "_name_or_path": None, "transformers_version": None}
    digest = hashlib.sha256(repr((facts, type(trainer.model).__name__, sorted(config.items(), key=str))).encode())
    for name, weight in sorted(trainer.model.state_dict().items()):
        digest.update(name.encode() + weight.detach().float().cpu().numpy().tobytes())
    for start in range(0, size, ROWS):
        for name, tensor in sorted(_collated(trainer, range(start, min(start + ROWS, size))).items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def _part(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05}"


def _is_whole(part: Path) -> bool:
    """Whether every file of a part is as it was written; a damaged part is taken away, and that is said."""
    if not part.is_dir():
        return False
    try:
        known = json.loads((part / CHECKSUMS).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        known = None
    if known == _checksums(part):
        return True
    print(f"{part} is damaged; the teacher is asked again", file=sys.stderr)
    shutil.rmtree(part)
    return False


def _checksums(part: Path) -> dict[str, str]:
    found = dict[str, str]()
    for file in sorted(part.glob("*.npy")):
        with file.open("rb") as stream:
            found[file.name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found
