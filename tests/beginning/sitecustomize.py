"""What Python imports as it starts in a process that a test begins: no pickle is read there either."""

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("no_pickle", Path(__file__).parents[1] / "no_pickle.py")
assert _spec and _spec.loader
sys.modules["no_pickle"] = _module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
_module.watch()
