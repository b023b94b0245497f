"""Values that no part of ours checks: ranges, choices and pairs of what upstream owns, before it is loaded."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from genai_hf.architectures import require_activation
from genai_hf.config import check_type, hint
from genai_hf.errors import ConfigError
from genai_hf.names import RANGES, TRACKERS, VALUES

BATCHES = {"group_by_length": "bool", "tokens_per_batch": "int | None", "pad_to_multiple_of": "int"}
# What there is on Linux where there is something to compute on beside the processor.
DEVICES = ("nvidia*", "nvhost*", "kfd", "dxg", "dri/render*", "davinci*", "accel*", "hl*")


def check(cfg: DictConfig) -> None:
    """Refuse numbers out of their range, texts that stand for nothing, and settings that exclude each other.

    Raises:
        ConfigError: The first that is wrong.
    """
    check_values(cfg)
    _check_batches(cfg)
    if "trainer" in cfg:
        _check_trainer(cfg.trainer)
        if cfg.trainer.get("seed", cfg.seed) != cfg.seed:
            raise ConfigError(f"'trainer.seed' is the run's; set seed={cfg.trainer.seed}")
    bits = cfg.get("quantization") or {}
    if bits.get("load_in_4bit") and bits.get("load_in_8bit"):
        raise ConfigError("'quantization': load_in_4bit and load_in_8bit are both true; leave one out")
    if OmegaConf.select(cfg, "peft.activation") is not None:
        require_activation("peft.activation", cfg.peft.activation)
    if OmegaConf.select(cfg, "peft.prompt_tuning_init") == "TEXT" and not cfg.peft.get("prompt_tuning_init_text"):
        raise ConfigError("'peft.prompt_tuning_init': TEXT is given by peft.prompt_tuning_init_text=…; say it too")


def _check_batches(cfg: DictConfig) -> None:
    """How batches are cut and padded: a row that is padded beyond its greatest length would fit no model."""
    for key, annotation in BATCHES.items():
        if key in cfg:
            check_type(key, cfg[key], annotation)
    if cfg.get("tokens_per_batch") and cfg.get("packing"):
        raise ConfigError("'tokens_per_batch': rows that are packed have no length of their own; say packing=false")
    if cfg.get("tokens_per_batch") and not cfg.group_by_length:
        raise ConfigError("'tokens_per_batch' goes by the rows' lengths; say group_by_length=true besides")
    multiple = cfg.get("pad_to_multiple_of") or 1
    for key in ("sequence_length", "target_length"):
        if isinstance(length := cfg.get(key), int) and length % multiple:
            raise ConfigError(f"'{key}' must be a multiple of pad_to_multiple_of={multiple}, got {length}")


def require_devices(cfg: DictConfig) -> None:
    """Refuse what takes a GPU where there is certainly none.

    Raises:
        ConfigError: There is none.
    """
    if OmegaConf.select(cfg, "precision") == "fp16" and not _may_have_device():
        raise ConfigError("'precision': fp16 needs a CUDA GPU; leave it at auto")
    if cfg.launch.starter in {"accelerate", "torchrun"} and cfg.launch.processes is None and not _may_have_device():
        raise ConfigError("there is no GPU here to start a process on; launch=cpu2 starts two on the processor")


def check_values(cfg: DictConfig) -> None:
    """Refuse a number that lies outside its range, and what is none of the values that there are.

    Raises:
        ConfigError: One is.
    """
    for key, annotation in VALUES.items():
        if (value := OmegaConf.select(cfg, key)) is not None:
            check_type(key, value, annotation)
    for key in RANGES:
        check_range(key, OmegaConf.select(cfg, key))


def check_range(key: str, value: Any) -> None:
    """Refuse a number that lies outside the range of its key, where that has one.

    Raises:
        ConfigError: It does.
    """
    interval = RANGES.get(key)
    if interval is None or type(value) not in {int, float}:
        return
    low, high = map(float, interval[1:-1].split(", "))
    is_above = value > low if interval[0] == "(" else value >= low
    is_below = value < high if interval[-1] == ")" else value <= high
    if not (is_above and is_below):
        word = "above" if interval[0] == "(" else "at least"
        bound = f"{word} {low:.0f}" if not is_above else f"at most {high:.0f}"
        raise ConfigError(f"'{key}' must be {f'in {interval}' if high == 1 else bound}, got {value}")


def _check_trainer(node: Mapping[str, Any]) -> None:
    """What the fields' types do not say."""
    trackers = node.get("report_to") or "none"
    for tracker in [trackers] if isinstance(trackers, str) else trackers:
        near = hint(str(tracker), TRACKERS) or f"; take one of {', '.join(TRACKERS)}, or none"
        if str(tracker) not in {"none", "all", *TRACKERS}:  # a package's own name might be that of a file here
            raise ConfigError(f"'trainer.report_to': transformers knows no '{tracker}'{near}")
        if tracker in TRACKERS and importlib.util.find_spec(TRACKERS[tracker]) is None:
            raise ConfigError(
                f"'trainer.report_to': {tracker} is not installed; pip install {tracker}, or leave it out"
            )
    if str(node.get("optim")).startswith("schedule_free"):
        raise ConfigError(
            f"'trainer.optim': {node['optim']} keeps what it learns where no checkpoint does; take another"
        )
    if (steps := node.get("max_steps", -1)) == 0 or steps < -1:
        raise ConfigError(f"'trainer.max_steps' must be positive, or -1 to count in epochs, got {steps}")
    if node.get("dataloader_prefetch_factor") is not None and not node.get("dataloader_num_workers"):
        raise ConfigError("'trainer.dataloader_prefetch_factor' is for workers; say trainer.dataloader_num_workers=1")
    if node.get("load_best_model_at_end"):
        _check_best(node.get("eval_strategy", "no"), node.get("save_strategy", "steps"), node)


def _check_best(evaluates: str, saves: str, node: Mapping[str, Any]) -> None:
    """What is best is known only of a checkpoint that is evaluated."""
    key = "'trainer.load_best_model_at_end'"
    if evaluates == "no":
        raise ConfigError(f"{key}: nothing is evaluated; say trainer.eval_strategy={saves}")
    if saves not in {evaluates, "best"}:
        raise ConfigError(f"{key}: every checkpoint must be evaluated; say trainer.save_strategy={evaluates}")
    every, each = node.get("save_steps"), node.get("eval_steps")
    if saves == "steps" and type(every) is int and type(each) is int and every % each:
        raise ConfigError(f"{key}: trainer.save_steps={every} must be a multiple of trainer.eval_steps={each}")


def _may_have_device() -> bool:
    """Whether there could be a GPU or the like; where that is not known, there could."""
    places = Path("/dev")
    return not Path("/proc/self").exists() or any(next(places.glob(name), None) for name in DEVICES)
