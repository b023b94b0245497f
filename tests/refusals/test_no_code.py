"""The source reads no pickle and runs nothing that comes from a file, but for a recipe that is typed by its path."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "genai_hf").rglob("*.py"), *(ROOT / "recipes").glob("*.py")])
BUILT_IN = {"eval", "exec", "compile", "__import__"}
FUNCTIONS = {"os.system", "os.popen", "torch.load", "yaml.load", "yaml.load_all", "evaluate.load", "np.loads"}
METHODS = {"exec_module", "load_module", "unsafe_load", "full_load", "Unpickler", "read_pickle"}  # of whatever
MODULES = {"pickle", "dill", "joblib", "cloudpickle", "marshal", "shelve", "runpy"}
WORDS = {"allow_pickle", "trust_remote_code", "shell"}  # must be False where they stand
# A recipe whose path the user typed; and expressions of our own sources and of such a recipe, in which what a user gave
# is a value only, and from which nothing is reached that changes anything.
TYPED = {("genai_hf/recipe_files.py", "spec.loader.exec_module")}
TYPED |= {("genai_hf/settings/written.py", "eval"), ("genai_hf/settings/written.py", "compile")}


def wrong(source: str, name: str = "") -> Iterator[str]:
    """What a source does that it must not, each with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (f"{name}:{node.lineno}: import {module}" for module in names if module in MODULES)
        elif isinstance(node, ast.Call):
            called, words = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
            first, _, last = called.rpartition(".")
            is_wrong = called in BUILT_IN | FUNCTIONS or last in METHODS or first in MODULES
            is_wrong |= any(words.get(word, "False") != "False" for word in WORDS)
            if is_wrong and (name, called) not in TYPED:
                yield f"{name}:{node.lineno}: {called}"


def test_no_source_reads_a_pickle_or_runs_what_comes_from_a_file():
    assert len(SOURCES) > 150
    read = ((path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))) for path in SOURCES)
    assert [found for source, name in read for found in wrong(source, name)] == []


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(file)",
        "torch.load(file, weights_only=False)",
        "pickle.load(stream)",
        "import pickle",
        "from joblib import load",
        "numpy.load(file, allow_pickle=True)",
        "np.load(file, allow_pickle=asked)",
        "eval(text)",
        "exec(text)",
        "yaml.load(text, Loader)",
        "yaml.unsafe_load(text)",
        "evaluate.load('accuracy')",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=cfg.trust)",
        "subprocess.run(line, shell=True)",
        "os.system(line)",
        "spec.loader.exec_module(module)",
    ],
)
def test_each_of_these_would_be_seen(line):
    assert len(list(wrong(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "model.eval()",
        "re.compile(text)",
        "yaml.safe_load(text)",
        "np.load(file, mmap_mode='r')",
        "AutoModel.from_pretrained(name, trust_remote_code=False)",
    ],
)
def test_none_of_these_is(line):
    assert list(wrong(line)) == []


def test_the_one_exception_is_there():
    for name, called in TYPED:
        assert called in (ROOT / name).read_text(encoding="utf-8")
