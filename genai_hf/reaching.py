"""Whether what a setting names on the Hub can be had: asked within two seconds, before any library is loaded."""

import os
import socket
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from genai_hf.errors import ConfigError
from genai_hf.places import is_path
from genai_hf.ranks import say

PATIENCE = 1.5  # s for an address and a connection; looking an address up knows no limit of its own, so a thread does


def require(key: str, name: str) -> None:
    """See that a model or a tokenizer is a folder, was downloaded before, or can be downloaded now.

    Where the Hub is silent and it was downloaded before, the libraries are told not to ask again and again.

    Raises:
        ConfigError: None of the three, with what to do where there is a network.
    """
    if is_path(name) or Path(name).expanduser().exists():
        return
    from huggingface_hub import constants

    was_loaded = any(Path(constants.HF_HUB_CACHE).glob(f"models--{name.replace('/', '--')}/snapshots/*/*"))
    if not was_loaded:
        why = "HF_HUB_OFFLINE forbids the network" if constants.HF_HUB_OFFLINE else "the Hub cannot be reached"
        if constants.HF_HUB_OFFLINE or not answers(constants.ENDPOINT):
            remedy = f"where there is a network: hf download {name} --local-dir FOLDER; then {key}=FOLDER"
            raise ConfigError(f"'{key}': {name} is no folder here, was not downloaded before, and {why}; {remedy}")
    elif not constants.HF_HUB_OFFLINE and not answers(constants.ENDPOINT):
        say(f"the Hub cannot be reached: {name} is taken as it was downloaded before")
        constants.HF_HUB_OFFLINE = True
        os.environ["HF_HUB_OFFLINE"] = "1"  # of the processes that are started from here


def answers(address: str) -> bool:
    """Whether somebody answers at an address, or a proxy is there to say so."""
    from urllib.request import getproxies  # which brings all of HTTP: a tenth of what a quick answer takes

    if getproxies():
        return True
    parts = urlsplit(address)
    found: list[bool] = []
    asking = Thread(target=lambda: found.append(_connects(parts.hostname, parts.port or 443)), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return found == [True]


def _connects(host: str | None, port: int) -> bool:
    try:
        socket.create_connection((host or "", port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True
