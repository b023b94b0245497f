"""What a config names must be there: data, runs, and models in a folder or on the Hub; none of it is loaded."""

from omegaconf import DictConfig, OmegaConf

from genai_hf import model_folders, reaching
from genai_hf.config import require_node
from genai_hf.errors import ConfigError
from genai_hf.places import existing, refuse_page, require_paths
from genai_hf.settings import task_files

NAMED = ("tokenizer.name", "teacher.name", "model.name")  # what may be on the Hub; of one name the last is said


def check(cfg: DictConfig) -> None:
    """Refuse files, runs and models that are not there, or are none.

    Raises:
        UserError: The first.
    """
    if (path := OmegaConf.select(cfg, "data.path")) is not None:
        require_paths("data.path", path)
        existing(path)
    for name, node in (cfg.get("supervised") or {}).items():
        require_node(cfg, f"supervised.{name}.path", example=f"supervised.{name}.path")
        if isinstance(path := node.get("path"), str) and node.get("source", "files") == "files":
            existing(path)
    if "task" in cfg:
        found = task_files.find(cfg.task, cfg.data)
        if cfg.get("predict") and found is not None and not found.keys() - {task_files.TRAIN, *cfg.task.validation}:
            raise ConfigError(f"'predict': task={cfg.task.name} has no test file here; leave it out")
    if run := cfg.get("init_from"):
        model_folders.finished_model(run)
    _check_pretrained(cfg)


def _check_pretrained(cfg: DictConfig) -> None:
    """Folders of models: what can be seen without loading them."""
    named = {asked: key for key in NAMED if isinstance(asked := OmegaConf.select(cfg, key), str)}
    for asked, key in named.items():
        refuse_page(key, asked)
    name, is_read = OmegaConf.select(cfg, "model.name"), not OmegaConf.select(cfg, "model.from_scratch")
    if isinstance(name, str):
        model_folders.require("init_from" if cfg.get("init_from") else "model.name", name, weights=is_read)
    if isinstance(teacher := OmegaConf.select(cfg, "teacher.name"), str):
        model_folders.require("teacher.name", teacher)
    if name is not None and is_read and "tokenizer" in cfg and cfg.tokenizer.name is None:
        raise ConfigError("'tokenizer.name': weights know one vocabulary, and null would train another; leave it out")
    for asked, key in named.items():
        reaching.require(key, asked)
