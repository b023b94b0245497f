"""Values that no part of ours checks: ranges, choices and pairs of what upstream owns, before it is loaded."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from genai_hf.config import check_type, overrides
from genai_hf.errors import ConfigError
from genai_hf.settings import trainer
from genai_hf.settings.names import RANGES, VALUES
from genai_hf.settings.sizes import require_activation

BATCHES = {"group_by_length": "bool", "tokens_per_batch": "int | None", "pad_to_multiple_of": "int"}
# What is passed over unless another setting has this value, which the shipped settings may not give it.
OF_USE_WITH = {
    "max_skipped": ("on_nan", "skip"),
    **dict.fromkeys(("masking.longest_span", "masking.geometric_probability"), ("masking.unit", "span")),
    **{
        f"tokenizer.{name}": ("tokenizer.name", None)  # one of a name is not trained
        for name in ("algorithm", "vocab_size", "family", "lowercase", "multiple_of", "min_frequency", "limit_alphabet",
                     "model_max_length")
    },
}  # fmt: skip
# What there is on Linux where there is something to compute on beside the processor.
DEVICES = ("nvidia*", "nvhost*", "kfd", "dxg", "dri/render*", "davinci*", "accel*", "hl*")


def check(cfg: DictConfig) -> None:
    """Refuse numbers out of their range, texts that stand for nothing, and settings that exclude each other.

    Raises:
        ConfigError: The first that is wrong.
    """
    check_values(cfg)
    _check_batches(cfg)
    _check_use(cfg, {line.lstrip("+").partition("=")[0] for line in overrides(cfg)})
    if "trainer" in cfg:
        trainer.check(cfg)
        if cfg.trainer.get("seed", cfg.seed) != cfg.seed:
            raise ConfigError(f"'trainer.seed' is the run's; set seed={cfg.trainer.seed}")
    if "text" in (cfg.get("supervised") or {}):
        raise ConfigError("'supervised.text': the corpus itself is called so; name the set otherwise")
    bits = cfg.get("quantization") or {}
    if bits.get("load_in_4bit") and bits.get("load_in_8bit"):
        raise ConfigError("'quantization': load_in_4bit and load_in_8bit are both true; leave one out")
    if OmegaConf.select(cfg, "peft.activation") is not None:
        require_activation("peft.activation", cfg.peft.activation)
    if OmegaConf.select(cfg, "peft.prompt_tuning_init") == "TEXT" and not cfg.peft.get("prompt_tuning_init_text"):
        raise ConfigError("'peft.prompt_tuning_init': TEXT is given by peft.prompt_tuning_init_text=…; say it too")


def _check_use(cfg: DictConfig, asked: Collection[str]) -> None:
    """What was asked for and does nothing beside what was not."""
    for key, (other, value) in OF_USE_WITH.items():
        now = OmegaConf.select(cfg, other)
        if key in asked and other not in asked and now != value:
            remedy = "leave it out" if value is None else f"say {other}={value} besides"
            raise ConfigError(f"'{key}' does nothing with {other}={now}; {remedy}")


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
    if OmegaConf.select(cfg, "trainer.tf32") and not _may_have_device():
        raise ConfigError("'trainer.tf32' is of a CUDA GPU; leave it out")
    if OmegaConf.select(cfg, "speed.documents") and not _may_have_device():
        raise ConfigError("'speed.documents' is for a CUDA GPU; leave it out")
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


def _may_have_device() -> bool:
    """Whether there could be a GPU or the like; where that is not known, there could."""
    places = Path("/dev")
    return not Path("/proc/self").exists() or any(next(places.glob(name), None) for name in DEVICES)
