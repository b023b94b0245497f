"""Each test of evaluate's metrics has a cache of its own, and no module that another test loaded."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    cache = str(tmp_path / "modules")
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", tmp_path)
    monkeypatch.setattr("evaluate.config.HF_MODULES_CACHE", cache)
    monkeypatch.setattr(sys, "path", [cache, *sys.path])
    for name in [name for name in sys.modules if name.partition(".")[0] == "evaluate_modules"]:
        monkeypatch.delitem(sys.modules, name)
