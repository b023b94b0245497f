"""Secrets stay out of everything that is written: known by their key, their shape, or from the environment."""

import os
import re
from typing import Any

from omegaconf import DictConfig, OmegaConf

HIDDEN = "<redacted>"
# `hub_token`, `api_key`, … but not `mask_token` or `max_tokens`, which are a tokenizer's.
KEY = re.compile(
    r"(^|\.)(token|\w*(hub_token|hf_token|auth_token|access_token|api_key|access_key|secret|password|passwd|credentials?))$",
    re.IGNORECASE,
)
SHAPE = re.compile(r"\b(hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,})\b")
VARIABLE = re.compile(r"(TOKEN|SECRET|PASSWORD|API_KEY|ACCESS_KEY)$", re.IGNORECASE)


def is_secret(override: str) -> bool:
    """Whether ``key=value`` holds a secret, by its key, the shape of its value, or the environment."""
    key, _, value = override.lstrip("+~").partition("=")
    return bool(KEY.search(key)) or redact(value) != value


def hide(key: str, value: Any) -> Any:
    """The value, or a mark in its place where the key says that it is secret."""
    if KEY.search(key) and value is not None:
        return HIDDEN
    return redact(value) if isinstance(value, str) else value


def hide_override(override: str) -> str:
    """``key=value`` fit to be written down."""
    key, sign, value = override.partition("=")
    return f"{key}{sign}{hide(key.lstrip('+~'), value)}"


def redact(text: str) -> str:
    """Text without what looks like a secret and without the values of secret environment variables."""
    for name, value in os.environ.items():
        if VARIABLE.search(name) and len(value) >= 8:
            text = text.replace(value, HIDDEN)
    return SHAPE.sub(HIDDEN, text)


def to_yaml(cfg: DictConfig) -> str:
    """The config as YAML, secrets hidden."""

    def clean(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {name: clean(value, str(name)) for name, value in node.items()}
        if isinstance(node, list):
            return [hide_override(item) if isinstance(item, str) else clean(item, key) for item in node]
        return hide(key, node)

    return redact(OmegaConf.to_yaml(OmegaConf.create(clean(OmegaConf.to_container(cfg, resolve=True)))))
