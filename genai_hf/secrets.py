"""Secrets stay out of everything that is written: known by their key, their shape, or from the environment."""

import base64
import functools
import html
import json
import os
import re
import shlex
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import yaml  # type: ignore[import-untyped]
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import get_omega_conf_dumper

HIDDEN = "<redacted>"
SHORTEST = 8  # letters; what is shorter would be found in half of all words
# `hub_token`, `api_key`, … and slips of them, but not `mask_token` or `max_tokens`, which are a tokenizer's.
KEY = re.compile(
    r"(^|\.)(token|\w*((hub|hf|auth|access)_?tok(?!enizer)\w*|(api|access|private)_?key|secret|passw(or)?d|credentials?))$",
    re.IGNORECASE,
)
SHAPE = re.compile(r"\b(hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,})\b")
IN_ADDRESS = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")  # user:password
VARIABLE = re.compile(
    r"(^|_)(TOKEN|SECRET|PASSW(OR)?D|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)(_(?!PATH|FILE|DIR)|$)", re.IGNORECASE
)
_known: set[str] = set()  # values that stood under such keys


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


def note(overrides: Iterable[str]) -> None:
    """Remember what stands under keys of secrets, to find it wherever else it may turn up."""
    pairs = (line.lstrip("+~").partition("=") for line in overrides)
    _known.update(value.strip("'\"") for key, _, value in pairs if _is_below(key) and "${" not in value)


def _is_below(key: str) -> bool:
    """Whether a dotted key, or one that it is below, is that of a secret."""
    return any(KEY.search(part) for part in key.split("."))


def redact(text: str) -> str:
    """Text without what looks like a secret, and without the values of secret variables and settings in any form."""
    values = {value for name, value in os.environ.items() if VARIABLE.search(name)} | _known
    for value in sorted(values, key=len, reverse=True):
        for form in _forms(value) if len(value) >= SHORTEST else ():
            text = text.replace(form, HIDDEN)
    return IN_ADDRESS.sub(HIDDEN, SHAPE.sub(HIDDEN, text))


def to_yaml(cfg: DictConfig, *, resolve: bool = True) -> str:
    """The config as YAML, secrets hidden."""

    def clean(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {name: clean(value, str(name)) for name, value in node.items()}
        if isinstance(node, list) and not KEY.search(key):
            return [hide_override(item) if isinstance(item, str) else clean(item, key) for item in node]
        return hide(key, node)

    node = clean(OmegaConf.to_container(cfg, resolve=resolve))
    return redact(yaml.dump(node, allow_unicode=True, sort_keys=False, Dumper=get_omega_conf_dumper()))


@functools.cache
def _forms(value: str) -> list[str]:
    """A value as JSON, YAML, HTML, an address, a shell, Python or a header of HTTP write it, the longest first."""
    marked = html.escape(value)
    found = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        value.replace("'", "''"),
        marked,
        html.escape(value, quote=False),
        marked.replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),  # as Jinja has it
        quote(value, errors="surrogateescape"),
        quote(value, safe="", errors="surrogateescape"),
        quote_plus(value, errors="surrogateescape"),
        shlex.quote(value)[1:-1] if shlex.quote(value) != value else value,
        repr(value)[1:-1],
        base64.b64encode(value.encode(errors="surrogateescape")).decode(),
        base64.urlsafe_b64encode(value.encode(errors="surrogateescape")).decode(),
    }
    return sorted(found, key=len, reverse=True)
