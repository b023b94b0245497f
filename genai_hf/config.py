"""The one door from values to parts: what is wrong is refused here, in one line, with the nearest right one."""

import difflib
import hashlib
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf, open_dict

from genai_hf import prepared
from genai_hf.errors import ConfigError, UserError
from genai_hf.ranks import say
from genai_hf.settings import annotations, schema
from genai_hf.settings.names import INSTEAD, PRETRAINED, SYNONYMS
from genai_hf.weightless import weightless_folder

T = TypeVar("T")

ALIKE = 0.6  # of two words, at least, of which one is a slip of the other
FEW = 12  # so many choices are listed, of more only the nearest


def build(target: Callable[..., T], node: Mapping[str, Any], *, at: str, **given: Any) -> T:
    """Call `target` with the settings of `node`, which stands at the dotted key `at`, and with `given`.

    Raises:
        ConfigError: A name, a type or (by the target's own ValueError) a range is wrong.
    """
    dotted = f"{target.__module__}.{target.__qualname__}"
    check_node(dotted, node, at=at, given=given)
    values = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else dict(node)
    if (made := prepared.take(at, target, values, given)) is not None:  # type: ignore[arg-type]
        return made.result  # type: ignore[no-any-return]
    try:
        return target(**given, **values)  # type: ignore[arg-type]
    except UserError:
        raise
    except ValueError as error:
        raise ConfigError(f"{at}: {error}") from error


def check_node(
    dotted: str, node: Mapping[str, Any], *, at: str, given: Iterable[str] = (), besides: DictConfig | None = None
) -> None:
    """Refuse a key of `node` that the target at `dotted` does not take, or whose type does not suit it.

    Args:
        dotted: The target.
        node: Its settings.
        at: Their dotted key.
        given: Names that it is given besides.
        besides: All settings, where a key may have gone astray.

    Raises:
        ConfigError: One is wrong.
    """
    fields = schema.fields(dotted)
    taken = set(given)
    if not isinstance(node, Mapping):
        raise ConfigError(f"'{at}' holds several settings; set one of them: {at}.{_first(fields.keys() - taken)}=…")
    for key in node:
        if key in taken:
            raise ConfigError(f"'{at}.{key}' is set by the recipe; leave it out")
        if key not in fields:
            known = {f"{at}.{name}" for name in fields if name not in taken}
            known |= {
                other for other in dotted_keys(besides) if other.rpartition(".")[2] == key and other != f"{at}.{key}"
            }
            raise ConfigError(
                f"'{at}.{key}' is not a parameter of {dotted.rpartition('.')[2]}{hint(f'{at}.{key}', known)}"
            )
        check_type(f"{at}.{key}", node[key], annotations.spelt(fields[key]))


def check_type(key: str, value: Any, annotation: str) -> None:
    """Refuse a value that an annotation does not allow, and a number that is none.

    Raises:
        ConfigError: It does not.
    """
    if isinstance(value, Mapping) and (items := annotations.of_items(annotation)) is not None:
        for name, item in value.items():
            check_type(f"{key}.{name}", item, items)
    if not annotations.fits(value, annotation):
        choices = annotations.choices(annotation)
        begun = [choice for choice in choices if isinstance(value, str) and choice.startswith(value)]
        if len(choices) > FEW and (near := hint(str(value), begun[:1] or choices)):
            raise ConfigError(f"'{key}' cannot be {value!r}{near}")
        wanted = annotation.replace("Literal", "one of ").replace("typing.", "").replace(" | ", " or ")
        raise ConfigError(f"'{key}' must be {wanted}, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"'{key}' must be a finite number, got {value}")


def hint(key: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` for a key that does not exist, what there is in its place, or a list of what does."""
    known = sorted(known)
    last = {name.rpartition(".")[2]: name for name in reversed(known)}
    word = key.rpartition(".")[2]
    if word in INSTEAD and not ("." in key and word in last):
        return f"; {INSTEAD[word]}"
    synonym = SYNONYMS.get(word, key)
    is_own = "." in key and (word in last or synonym.endswith(f".{word}"))  # the same word in another group
    if synonym != key and not is_own:
        return f"; did you mean '{synonym}'?"
    if word in last:
        return f"; did you mean '{last[word]}'?"
    swapped = [
        name for name in known if sorted(name) == sorted(key)
    ]  # the same letters: a short word has no other sign
    near = swapped or difflib.get_close_matches(key, known, n=5, cutoff=0.75)
    near = [name for name in near if difflib.SequenceMatcher(None, word, name.rpartition(".")[2]).ratio() > ALIKE]
    near = near or [last[name] for name in difflib.get_close_matches(key.rpartition(".")[2], last, n=1, cutoff=0.7)]
    if near:
        return f"; did you mean '{near[0]}'?"
    beside = [name for name in known if name.rpartition(".")[0] == key.rpartition(".")[0]]
    return f"; it takes {', '.join(beside)}" if len(beside) <= FEW and beside else ""


def dotted_keys(node: Any, prefix: str = "") -> set[str]:
    """Every key of a config and of what is in it, with the keys above it."""
    if not isinstance(node, DictConfig) or node._is_none() or node._is_missing():
        return {prefix[:-1]} - {""}
    keys = {prefix[:-1]} - {""}
    for key in node:
        keys |= dotted_keys(node._get_node(key), f"{prefix}{key!s}.")
    return keys


def _first(names: Iterable[str]) -> str:
    """What is set most often: a path, if there is one."""
    return min(names, key=lambda name: (name != "path", name))


def with_model(cfg: DictConfig, name: str | None = None, revision: str | None = None, **nodes: Any) -> DictConfig:
    """A copy of the config with other nodes; with a `name`, one that begins with that model and its tokenizer."""
    other = cfg.copy()
    with open_dict(other):
        for key, node in nodes.items():
            other[key] = node
        if name is not None:
            other.model = {**PRETRAINED, "name": name, "revision": revision}
            other.tokenizer.name, other.tokenizer.revision = name, revision
    return other


def within(run: Path, name: str, cfg: DictConfig) -> Path:
    """Folder of a run for something that is made by settings of its own; by others it is another folder."""
    from genai_hf import fingerprints

    digest = hashlib.sha256(json.dumps(fingerprints.settings(cfg), sort_keys=True).encode()).hexdigest()
    return run / f"{name}-{digest[:8]}"


def require_node(cfg: DictConfig, key: str | None, example: str | None = None) -> None:
    """Refuse a single value where a setting has settings of its own.

    Raises:
        ConfigError: There is one.
    """
    above = (key or "").rpartition(".")[0]
    missing = DictConfig({})
    if above and not isinstance(OmegaConf.select(cfg, above, default=missing), DictConfig):
        raise ConfigError(f"'{above}' holds several settings; set one of them, such as {example or f'{above}.name'}=…")


def overrides(cfg: DictConfig) -> list[str]:
    """What was asked for beyond the shipped values, as it was written: what that refers to may be a secret."""
    return list(OmegaConf.to_container(cfg, resolve=False)["overrides"])  # type: ignore[call-overload, index]


def batching(cfg: DictConfig) -> dict[str, Any]:
    """How the Trainer makes batches of rows whose lengths differ."""
    return {key: cfg[key] for key in ("group_by_length", "tokens_per_batch", "pad_to_multiple_of")}


def adapter(cfg: DictConfig) -> Any:
    """What the group `peft` asks to train in place of all weights, or None."""
    from genai_hf.models.adapters import adapter as made

    is_chosen = any(line.lstrip("+").startswith(("trainer.learning_rate=", "experiment=")) for line in overrides(cfg))
    if cfg.peft.method is not None and not is_chosen:
        usual = "adapters usually take ten to a thousand times as much as training all weights"
        say(f"peft: the learning rate is the recipe's, {cfg.trainer.learning_rate}; {usual}: trainer.learning_rate=…")
    checkpointing = bool(cfg.trainer.get("activation_checkpointing") or cfg.trainer.get("gradient_checkpointing"))
    fields = OmegaConf.to_container(cfg.peft, resolve=True)
    return made(length=cfg.sequence_length, checkpointing=checkpointing, **fields)  # type: ignore[arg-type]


def quantization(cfg: DictConfig) -> Any:
    """How the group `quantization` asks to store pretrained weights, or None."""
    from genai_hf.models.few_bits import quantized

    return quantized(precision=cfg.precision, **OmegaConf.to_container(cfg.quantization, resolve=True))  # type: ignore[arg-type]


def training_arguments(cfg: DictConfig) -> Any:
    """`transformers.TrainingArguments` from the group `trainer`, writing into the run's folder.

    Without weights they write into the folder that `genai_hf.models.weightless` was given.
    """
    import torch
    from transformers import TrainingArguments

    from genai_hf import runs
    from genai_hf.settings import reserved

    folder = weightless_folder() or str(runs.folder(cfg))
    values: Any = OmegaConf.to_container(cfg.trainer, resolve=True)
    node = {key: value for key, value in values.items() if key not in reserved.OF_TRAINER}
    given = {"bf16": cfg.precision == "bf16", "fp16": cfg.precision == "fp16", **reserved.HELD}
    if "use_cpu" not in cfg.trainer:  # or else bf16 is refused on a processor that has it
        given["use_cpu"] = cfg.launch.use_cpu or not torch.accelerator.is_available()
    try:
        arguments = build(TrainingArguments, node, at="trainer", output_dir=folder, **given)
    except (ImportError, OSError) as error:  # of a package or a file that a setting names
        raise ConfigError(f"'trainer' cannot be used here ({error}); install or name what is missing") from error
    if arguments.n_gpu > 1:  # one process for several GPUs would be nn.DataParallel, which cuts up flat positions
        arguments._n_gpu = 1
        print(f"one of {torch.cuda.device_count()} GPUs is used; all: accelerate launch -m genai_hf …", file=sys.stderr)
    return arguments
