"""A teacher beside a student: where it comes from, and whether both read and mean the same."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from genai_hf import final_numbers
from genai_hf.collators.text_to_text import TextToTextCollator
from genai_hf.errors import ConfigError
from genai_hf.models.fresh import require_whole
from genai_hf.models.label_names import label_order, require_head
from genai_hf.objectives.distillation import Mixture
from genai_hf.objectives.labelling import Labelling
from genai_hf.objectives.language import LanguageModelling
from genai_hf.objectives.teachers import InTheLoop, Teacher
from genai_hf.ranks import rank
from genai_hf.training.run import MODEL, train
from genai_hf.training.teacher_cache import Kept, cached
from genai_hf.training.trainer import Trainer
from genai_hf.weightless import weightless_folder

ALONE = "without_teacher"
PROBED = 8  # rows by which it is seen that both read the same


@dataclass(frozen=True)
class Alone:
    """The student without a teacher: what makes its Trainer, and where it is trained."""

    make: Callable[[], Trainer]
    folder: Path


def taught(make: Callable[[], Trainer], folder: Path) -> str | None:
    """Train a teacher in a folder of its student's run, unless that is done; where its model lies.

    Without weights nothing is trained, and there is none.
    """
    if weightless_folder():
        return None
    if rank() == 0 and not (folder / final_numbers.FILE).is_file():
        print(f"no teacher.name is given: a teacher is trained first, in {folder}", file=sys.stderr)
    trained(make, folder)
    return str(folder / MODEL)


def trained(make: Callable[[], Trainer], folder: Path) -> dict[str, float]:
    """The final numbers of what is trained in a folder of another run; it is resumed, or read where it is finished."""
    if not (folder / final_numbers.FILE).is_file():
        trainer = make()
        folder.mkdir(exist_ok=True)
        trainer.args.output_dir = str(folder)
        metrics = train(trainer)
        if rank() == 0:
            final_numbers.write(folder, metrics)
        trainer.accelerator.wait_for_everyone()
    return final_numbers.read(folder)


def teacher_of(teacher: Trainer, student: Trainer, *, loss: Mixture, cache: bool, top_k: int) -> Teacher:
    """A teacher for a student's objective, frozen from now on.

    Args:
        teacher: Built by the same recipe, of the same rows.
        student: The one that learns.
        loss: What is asked of it.
        cache: Whether it is asked once before training, of every row, or in every step.
        top_k: Of a cached language model, tokens that are kept of each target.

    Raises:
        ConfigError: They do not fit together.
        ValueError: `top_k` lies outside its range.
    """
    labels = isinstance(teacher.objective, Labelling)
    _require_loss(teacher, student, loss, cache=cache)
    _require_its_own_head(teacher)
    if not (labels and cache):
        _require_same_vocabulary(teacher, student)
        _require_same_reading(teacher, student)
    columns = _columns(teacher, student)
    kept = Kept(classes=len(columns), top_k=None if labels else top_k, temperature=loss.temperature)
    teacher.model.requires_grad_(False).eval()
    if not weightless_folder():
        teacher.accelerator.prepare_model(teacher.model, evaluation_mode=True)  # in the numbers that the student has
        if cache:
            return cached(teacher, columns, kept)
    return InTheLoop(model=teacher.model, hard=teacher.objective, columns=columns, states=bool(loss.cosine))


def _columns(teacher: Trainer, student: Trainer) -> Sequence[int]:
    """The teacher's outputs in the student's order: labels by their names, tokens by their numbers."""
    if isinstance(teacher.objective, Labelling):
        names = [str(label) for _, label in sorted(student.model.config.id2label.items())]
        order = label_order(teacher.model.config, names) if teacher.objective.names else []
        return order or range(len(names))
    return range(min(trainer.model.config.vocab_size for trainer in (teacher, student)))


def _require_loss(teacher: Trainer, student: Trainer, loss: Mixture, *, cache: bool) -> None:
    """Refuse terms of a loss that this pair cannot have."""
    hard, collator = teacher.objective, teacher.data_collator
    if isinstance(hard, LanguageModelling) and hard.head_rows is not None:
        raise ConfigError("'head_rows': a teacher's distribution needs all logits at once; say head_rows=null")
    drawn = type(collator).is_random or (isinstance(collator, TextToTextCollator) and collator.target == "any")
    if cache and drawn:
        raise ConfigError("'teacher.cache': what is predicted is drawn anew in each epoch; say teacher.cache=false")
    if loss.cosine:
        wide = [trainer.model.config.hidden_size for trainer in (teacher, student)]
        if isinstance(hard, Labelling):
            raise ConfigError("'loss.cosine' compares the states of tokens, and labels are of texts; say loss.cosine=0")
        if wide[0] != wide[1]:
            raise ConfigError(f"'loss.cosine': {wide[0]} and {wide[1]} numbers wide are not alike; say loss.cosine=0")
        if cache:
            raise ConfigError("'loss.cosine': a cache holds no hidden states; say teacher.cache=false")


def _require_its_own_head(teacher: Trainer) -> None:
    """Refuse a teacher that has not learnt the task."""
    name, hard = teacher.model.name_or_path, teacher.objective
    if not name:
        return
    if isinstance(hard, Labelling):
        require_head(name, hard.names)
    else:
        require_whole(teacher.model, at="teacher.name")


def _require_same_vocabulary(teacher: Trainer, student: Trainer) -> None:
    theirs, ours = (trainer.processing_class.get_vocab() for trainer in (teacher, student))
    if theirs != ours:
        token, _ = min(theirs.items() ^ ours.items(), key=lambda pair: (pair[1], pair[0]))
        numbers = f"{token!r} is {theirs.get(token, 'not')} there and {ours.get(token, 'not')} here"
        remedy = "take its tokenizer: tokenizer.name=…"
        if isinstance(teacher.objective, Labelling):
            remedy = "take its tokenizer, or say teacher.cache=true, and each reads every text by its own"
        raise ConfigError(f"'teacher.name': its vocabulary is not the student's ({numbers}); {remedy}")


def _require_same_reading(teacher: Trainer, student: Trainer) -> None:
    """Refuse a teacher that would be given other inputs than its own, such as no segments where it has learnt them."""
    size = min(PROBED, len(student.train_dataset))
    theirs, ours = (
        trainer.data_collator([trainer.train_dataset[0, row] for row in range(size)]) for trainer in (teacher, student)
    )
    for name in sorted(theirs.keys() | ours.keys()):
        if name not in theirs or name not in ours or not torch.equal(theirs[name], ours[name]):
            remedy = "say second_text=0" if name == "token_type_ids" else "take another"
            remedy = "say teacher.cache=true" if isinstance(teacher.objective, Labelling) else remedy
            raise ConfigError(
                f"'teacher.name': its {name} are not the student's, and both read the same batches; {remedy}"
            )
