"""No dead knobs: whatever a shipped YAML sets is read by something, and what is not is found."""

import ast
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

import genai_hf
from genai_hf import recipe_files
from genai_hf.settings import names, schema, upstream

CONF = Path(str(files("genai_hf.conf")))
GLOBAL = "# @package _global_"
OWNED = names.UPSTREAM | {"generation": names.GENERATION, "quantization": names.BITS}


def leaves(node: Any, above: str = "") -> Iterator[str]:
    """Dotted keys of all values; an empty node is one."""
    if not isinstance(node, dict) or not node:
        yield above
    else:
        for key, value in node.items():
            yield from leaves(value, f"{above}.{key}" if above else str(key))


def read_by_name() -> set[str]:
    """Keys that our source reads of a config: ``cfg.a.b``, ``cfg["a"]``, ``cfg.a.get("b")``, ``select(cfg, "a.b")``."""
    sources = [*Path(genai_hf.__file__).parent.rglob("*.py"), *(one.path for one in recipe_files.shipped().values())]
    found = set[str]()
    for source in sources:
        tree = ast.parse(source.read_text(encoding="utf-8"))
        configs = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg) and is_config(node)} | {"cfg"}
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr="get", value=above), args=[ast.Constant(value=str(key)), *_]):
                    found.add(key_of(ast.Attribute(above, key), configs))
                case ast.Call(func=ast.Attribute(attr="select"), args=[_, ast.Constant(value=str(key)), *_]):
                    found.add(key)
                case ast.Attribute() | ast.Subscript():
                    found.add(key_of(node, configs))
    return found


def is_config(argument: ast.arg) -> bool:
    return argument.annotation is not None and ast.unparse(argument.annotation) == "DictConfig"


def key_of(node: ast.expr, configs: set[str]) -> str:
    """Of ``cfg.a.b`` and ``cfg["a"].b``: ``a.b``; of what is no config's nothing."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr=key) if name in configs:
            return key
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if name in configs:
            return key
        case ast.Attribute(value=above, attr=key) | ast.Subscript(value=above, slice=ast.Constant(value=str(key))):
            return f"{rest}.{key}" if (rest := key_of(above, configs)) else ""
    return ""


def handed_on() -> set[str]:
    """Keys of nodes that a recipe hands to a part which has a parameter of that name."""
    found = set[str]()
    for recipe in recipe_files.shipped().values():
        for part, at, given in recipe.calls():
            taken = {name for name in schema.fields(part) if name not in given}
            found |= {f"{at}.{name}" for name in taken} if at is not None else set()
    return found


def dead(conf: Path) -> list[str]:
    """``file: key`` of what nothing reads."""
    known = read_by_name() | handed_on()
    found = []
    for file in sorted(conf.rglob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        settings = {key: value for key, value in yaml.safe_load(text).items() if key not in {"defaults", "hydra"}}
        group = "" if file.parent == conf or text.startswith(GLOBAL) else str(file.parent.relative_to(conf))
        for key in leaves(settings):
            dotted = f"{group}.{key}" if group and key else group or key
            if not is_read(dotted, settings, known):
                found.append(f"{file.relative_to(conf)}: {dotted}")
    return found


def is_read(key: str, settings: dict[str, Any], known: set[str]) -> bool:
    """Whether upstream's class has the field, or the key is read, or one above it in a group as a table of its own."""
    owner, _, name = key.rpartition(".")
    if owner in OWNED:
        return name in schema.fields(OWNED[owner])
    if owner == "peft" and name != "method":
        return name in schema.fields(names.ADAPTERS[settings["method"]])
    if owner.endswith("model.config"):
        dotted = upstream.model_config(settings.get("architecture") or settings["model"]["architecture"])
        return name in schema.fields(dotted) or name in schema.undeclared(dotted)
    return any(above in known for above in (key, *[".".join(key.split(".")[:n]) for n in range(2, key.count(".") + 1)]))


def test_whatever_a_yaml_sets_is_read():
    assert dead(CONF) == []


def test_what_nothing_reads_is_found(tmp_path):
    conf = Path(shutil.copytree(CONF, tmp_path / "conf"))
    made_up = {
        "bert_mlm.yaml": "made_up: 3",
        "base.yaml": "names: {made_up: 3}",
        "instruct.yaml": "decoding.typical: 3",
        "masking/bert.yaml": "made_up: 3",
        "data/text.yaml": "made_up: 3",
        "trainer/pretrain.yaml": "made_up: 3",
        "generation/beam.yaml": "made_up: 3",
        "quantization/nf4.yaml": "made_up: 3",
        "peft/lora.yaml": "num_virtual_tokens: 3",
        "experiment/roberta.yaml": "masking.made_up: 3",
    }
    for name, line in made_up.items():
        file = conf / name
        file.write_text(f"{file.read_text()}\n{line}\n")
    nested = conf / "model" / "bert_tiny.yaml"
    nested.write_text(nested.read_text().replace("  hidden_size:", "  hidden_sise:"))
    found = dict(line.split(": ", 1) for line in dead(conf))
    assert found == {
        "base.yaml": "names.made_up",
        "bert_mlm.yaml": "made_up",
        "data/text.yaml": "data.made_up",
        "experiment/roberta.yaml": "masking.made_up",
        "generation/beam.yaml": "generation.made_up",
        "instruct.yaml": "decoding.typical",
        "masking/bert.yaml": "masking.made_up",
        "model/bert_tiny.yaml": "model.config.hidden_sise",
        "peft/lora.yaml": "peft.num_virtual_tokens",
        "quantization/nf4.yaml": "quantization.made_up",
        "trainer/pretrain.yaml": "trainer.made_up",
    }
