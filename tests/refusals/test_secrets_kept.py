"""Secrets that a run is given are in no file that it leaves and on no line that it prints, in whatever form."""

import base64
import html
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from asking import ask

ENVIRONMENT = {
    "HF_TOKEN": "hf_Canary0Canary1Canary2",
    "WANDB_API_KEY": "0123456789canary0123456789canary01234567",
    "AWS_SECRET_ACCESS_KEY": "wJalr/Canary+7MDENG/bPxRfiCYEXAMPLE",
    "SERVICE_PASSWORD": "cnry5678",
    "ODD_TOKEN": "canary\"'<&\n%\\é",
    "MY_TOKEN": "what-my-canary-says",
}
HUB_TOKEN, IN_ADDRESS, IN_PATH = "canary-of-the-hub", "canary-of-a-host", "hf_Path0Canary1Path2Canary3"
SMALL = [
    *("data=text", "sequence_length=16", "tokenizer.vocab_size=300", "model.config.num_hidden_layers=1"),
    *("model.config.hidden_size=16", "model.config.num_attention_heads=2", "model.config.intermediate_size=32"),
    *("trainer.max_steps=2", "trainer.log_level=info", "trainer.per_device_train_batch_size=4", "trainer.use_cpu=true"),
    *(
        f"trainer.hub_token={HUB_TOKEN}",
        "trainer.run_name=${oc.env:MY_TOKEN}-${oc.env:HF_TOKEN}",
        "trainer.project=${oc.env:ODD_TOKEN}",
    ),
    "trainer.trackio_space_id=${oc.env:AWS_SECRET_ACCESS_KEY}",
    f"trainer.trackio_bucket_id=https://me:{IN_ADDRESS}@example.invalid/" + "${oc.env:WANDB_API_KEY}",
    "trainer.trackio_static_space_id=${oc.env:SERVICE_PASSWORD}",
]
LOOKS = (["--cfg", "job"], ["--cfg", "job", "--resolve"], ["--cfg", "all"], ["--info", "all"], ["--help"])


def forms() -> Mapping[str, str]:
    """Every secret as it may have been written."""
    values = [*ENVIRONMENT.values(), HUB_TOKEN, IN_ADDRESS, IN_PATH]
    return {form: value for value in values for form in (
        value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1],
        html.escape(value), html.escape(value, quote=False), quote(value), quote(value, safe=""), quote_plus(value),
        html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"), value.replace("'", "''"),
        base64.b64encode(value.encode()).decode(), base64.urlsafe_b64encode(value.encode()).decode(),
    )}  # fmt: skip


def found(*places: Path | str) -> list[str]:
    """Where a secret stands, of folders and of texts."""
    files = [file for place in places if isinstance(place, Path) for file in place.rglob("*")]
    texts = {str(file): file.read_bytes().decode("utf-8", "replace") for file in files if file.is_file()}
    texts |= {text[:80]: text for text in places if isinstance(text, str)} | {
        f"named {file}": file.name for file in files
    }
    return [f"{name}: {value!r}" for name, text in texts.items() for form, value in forms().items() if form in text]


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A run's, with a secret in each place that may hold one."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GENAI_HF_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("GENAI_HF_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / IN_PATH
    folder.mkdir()
    (folder / "text.txt").write_text(
        "\n\n".join(f"Line {line}: the quick fox jumps over dog {line}." for line in range(60))
    )
    return ["bert_mlm", *SMALL, f"data.path={folder}/*.txt"]


def test_what_finds_secrets_would_find_them(tmp_path):
    (tmp_path / "run").mkdir()
    for number, form in enumerate(forms()):
        (tmp_path / "run" / f"{number}.txt").write_text(f"x {form} y")
    assert len({line.partition(":")[0] for line in found(tmp_path / "run")}) == len(forms())


def test_a_run_leaves_and_says_no_secret(words, tmp_path, capsys):
    run = ask([*words, "run=kept"], capsys)
    assert run.code == 0, run
    assert len(list((tmp_path / "root").rglob("*.*"))) > 10
    assert "<redacted>" in (tmp_path / "root/bert_mlm/kept/config.yaml").read_text()
    assert not found(tmp_path / "root", tmp_path / "cache", run.said, run.printed)


@pytest.mark.parametrize("look", LOOKS)
def test_settings_are_shown_without_their_secrets(look, words, capsys):
    shown = ask([*words, *look], capsys)
    assert shown.code == 0, shown
    assert not found(shown.said, shown.printed)


@pytest.mark.parametrize(
    "mistake",
    [
        [f"trainer.hub_tokn={HUB_TOKEN}"],
        [f"+trainer.hub_tokn={HUB_TOKEN}"],
        [f"hub_token={HUB_TOKEN}"],
        [f"trainer.hub_token={HUB_TOKEN}["],
        ["trainer.max_steps=${oc.env:HF_TOKEN}"],
        [f"trainer.max_steps={ENVIRONMENT['HF_TOKEN']}"],
        [f"{ENVIRONMENT['HF_TOKEN']}"],
        ["data=text", f"data.path=https://me:{IN_ADDRESS}@example.invalid/x"],
        ["data=text", f"data.path=/nowhere/{IN_PATH}/x.txt"],
        [f"root=/dev/null/{IN_PATH}"],
        ["--config-dir", f"/nowhere/{IN_PATH}"],
        ["-m", f"trainer.hub_tokn={HUB_TOKEN},b"],
        ["experiment=${oc.env:HF_TOKEN}"],
        [f"model={ENVIRONMENT['WANDB_API_KEY']}"],
    ],
)
def test_a_mistake_is_told_without_the_secret_in_it(mistake, words, capsys):
    answer = ask(["bert_mlm", *mistake], capsys)
    assert answer.code == 2
    assert not found(answer.said, answer.printed)


@pytest.mark.slow
@pytest.mark.parametrize("how", [["-m", "seed=1,2"], ["launch=cpu2", "run=two"], []])
def test_a_sweep_ranks_and_a_run_that_is_named_by_its_settings_hold_no_secret(how, words, tmp_path):
    command = [sys.executable, "-m", "genai_hf", *words, *how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert not found(tmp_path / "root", tmp_path / "cache", done.stdout, done.stderr)
