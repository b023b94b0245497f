"""Nothing that lies in a model, a cache, a data set, a run or the working directory is executed: no canary is left."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from artefacts import CASES, array, code, pickled, table, unzipped, zipped
from asking import Case, ask
from model_parts import GOOD, NAMED, TEXTS, TRAIN, Files

import genai_hf
from genai_hf import launching
from genai_hf.rendering import Renderer
from genai_hf.training import teacher_cache

TAKEN = {0, 2}  # done without it, or refused in a line


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """Its path; the working directory is one that Python takes modules from, as careless as can be."""
    here, path = tmp_path / "here", tmp_path / "canary"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(str(here))
    yield path
    assert not path.exists()
    loaded = [name for name, module in sys.modules.items() if str(here) in str(getattr(module, "__file__", ""))]
    assert loaded == []


def lay_out(files: Files) -> None:
    Case(cause="", words=(), files=files, said="").lay_out(Path.cwd())


def run_all(*commands, capsys) -> None:
    for words in commands:
        answer = ask(words, capsys)
        assert answer.code in TAKEN, answer
        assert answer.code == 0 or len(answer.said.splitlines()) < 8, answer.said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_executed(case, canary, capsys):
    lay_out(case.files(canary))
    run_all(*case.commands, capsys=capsys)


def test_nothing_in_a_checkpoint_is_executed(canary, capsys):
    lay_out(GOOD | TEXTS)
    words = [*NAMED, "trainer.save_strategy=steps", "trainer.save_steps=1", "trainer.max_steps=2", "run=r", "root=left"]
    assert ask(words, capsys).code == 0
    run = Path("left/bert_mlm/r")
    for name in ("optimizer", "scheduler", "scaler", "training_args", "pytorch_model", "adapter_model"):
        for end in (".pt", ".bin", ".pth"):
            (run / "checkpoint-1" / f"{name}{end}").write_bytes(zipped(canary))
    (run / "checkpoint-1" / "rng_state.pth").write_bytes(zipped(canary))
    (run / "metrics.json").unlink()
    shutil.rmtree(run / "checkpoint-2")
    resumed = ask(words, capsys)
    assert resumed.code == 0
    assert "resumed left/bert_mlm/r after step 1" in resumed.said
    run_all(("verify", str(run), "--steps", "0"), capsys=capsys)


TOKENS = ("bert_mlm", *TRAIN[1:-1], "root=left", "trainer.max_steps=1")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ("tokens/*/*.npy", "delete its folder, and the tokens are read anew"),
        ("tokenizers/*/tokenizer_config.json", "delete it, and the tokenizer is trained anew"),
    ],
    ids=["tokens", "tokenizer"],
)
def test_nothing_in_the_cache_is_executed(files, said, canary, monkeypatch, capsys):
    lay_out(TEXTS)
    monkeypatch.setenv("GENAI_HF_CACHE", str(canary.with_name("cache")))
    assert ask([*TOKENS, "run=first"], capsys).code == 0
    poisoned = list(canary.with_name("cache").glob(files))
    assert poisoned
    for file in poisoned:
        file.with_name("mine.py").write_text(code(canary))
        config = {"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["mine.Mine", "mine.Mine"]}}
        file.write_bytes(array(canary) if file.suffix == ".npy" else json.dumps(config).encode())
        file.with_name("tokenizer.json").unlink(missing_ok=True)
        file.with_name("vocab.txt").write_text("[PAD]")
    answer = ask([*TOKENS, "run=second"], capsys)
    assert answer.code == 2
    assert said in answer.said


def test_nothing_in_a_teachers_answers_is_executed(canary):
    lay_out({f"answers/part-00000/{name}.npy": array(canary) for name in ("starts", "scores")})
    with pytest.raises(ValueError, match="Python objects"):
        teacher_cache.Cached(folder=Path("answers"), parts=1, kept=teacher_cache.Kept(classes=4))


def test_a_link_out_of_the_folder_is_read_as_numbers_or_not_at_all(canary, capsys):
    lay_out(GOOD | TEXTS | {"elsewhere/pickle.bin": zipped(canary)})
    for target in ("elsewhere/pickle.bin", "/dev/zero", "nowhere"):
        file = Path("model/model.safetensors")
        file.unlink()
        file.symlink_to(Path(target).absolute())
        assert ask(NAMED, capsys).code == 2


SHADOWS = ("torch", "numpy", "transformers", "tokenizers", "datasets", "accelerate", "peft", "bitsandbytes", "trl")
SHADOWS += ("safetensors", "omegaconf", "hydra", "yaml", "jinja2", "pandas", "pyarrow", "scipy", "sklearn", "evaluate")
SHADOWS += ("sitecustomize", "usercustomize", "conftest", "kernels", "triton", "flash_attn", "wandb", "tensorflow")
SHADOWS += ("model", "code", "glue", "psutil", "matplotlib", "huggingface_hub", "httpx2", "regex", "tqdm")


def shadowed(canary: Path, words: list[str], **environment: str) -> str:
    """Standard output of a process whose working directory is full of modules called like others."""
    lay_out({f"{name}.py": code(canary) for name in SHADOWS} | {"torch/__init__.py": code(canary)})
    paths = {"PYTHONPATH": str(Path(launching.__file__).parents[1]), "HF_HUB_OFFLINE": "1", **environment}
    done = subprocess.run(words, env=os.environ | paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_script_takes_no_module_of_the_working_directory(canary):
    script = canary.with_name("bin") / "genai-hf"
    script.parent.mkdir()
    script.write_text("import sys\nfrom genai_hf.cli import command\nsys.exit(command())\n")  # as pip writes it
    lay_out({"genai_hf.py": code(canary)})
    assert "sequence_length: 64" in shadowed(canary, [sys.executable, str(script), "bert_mlm", "--cfg", "job"])


@pytest.mark.slow
def test_a_recipe_that_is_typed_by_its_path_runs_and_its_neighbours_are_no_libraries(canary):
    body = "import bitsandbytes, torch, transformers\n\n\ndef main(cfg):\n    return {'one': float(torch.ones(1))}\n"
    lay_out({"mine.py": body, "mine.yaml": "defaults: [base, _self_]\n"})
    shadowed(canary, [sys.executable, "-m", "genai_hf", "./mine.py", "root=left"])
    (figures,) = Path("left/mine").glob("*/metrics.json")
    assert json.loads(figures.read_text()) == {"one": 1.0}


def test_processes_that_are_launched_take_no_module_from_there_either(canary, monkeypatch):
    def start(command, *, env, **_):
        assert env["PYTHONSAFEPATH"] == "1"
        raise ProcessLookupError

    monkeypatch.setattr(launching.subprocess, "Popen", start)
    lay_out(TEXTS)
    with pytest.raises(ProcessLookupError):
        launching.launch(genai_hf.compose("bert_mlm", ["launch=cpu2"]))


def test_nor_does_the_process_that_renders_chat_templates(canary):
    lay_out({f"{name}.py": code(canary) for name in (*SHADOWS, "genai_hf")})
    renderer = Renderer()
    assert renderer("{{ one }} and {{ 2 }}", 99, {"one": 1}) == {"text": "1 and 2", "marked": []}
    renderer.close()


@pytest.mark.parametrize("make", [pickled, zipped, array, table], ids=lambda make: make.__name__)
def test_each_of_these_pickles_would_leave_it(make, tmp_path):
    content = make(tmp_path / "canary")
    content = unzipped(content) if make is zipped else content[content.index(b"\x80") :]
    (tmp_path / "file").write_bytes(content)
    script = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    isolated = [sys.executable, "-I", "-c", script]  # where no test watches
    subprocess.run([*isolated, str(tmp_path / "file")], check=True)
    assert (tmp_path / "canary").exists()


def test_so_would_the_source(tmp_path):
    subprocess.run([sys.executable, "-c", code(tmp_path / "canary")], check=True)
    assert (tmp_path / "canary").exists()
