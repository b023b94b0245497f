import pytest
from omegaconf import OmegaConf

from genai_hf import secrets


@pytest.mark.parametrize(
    "key", ["trainer.hub_token", "token", "data.api_key", "x.password", "client_secret", "HF_TOKEN"]
)
def test_a_key_tells_a_secret(key):
    assert secrets.hide(key, "abc") == "<redacted>"


@pytest.mark.parametrize("key", ["mask_token", "max_tokens", "tokenizer", "num_virtual_tokens", "eos_token", "key"])
def test_a_tokenizers_token_is_none(key):
    assert secrets.hide(key, "abc") == "abc"


def test_a_secret_is_known_by_its_shape_and_from_the_environment(monkeypatch):
    monkeypatch.setenv("MY_SERVICE_TOKEN", "canary-0123456789")
    assert secrets.redact("a canary-0123456789 b hf_abcdefghijklmnopqrstu c") == "a <redacted> b <redacted> c"


def test_a_config_is_written_without_secrets(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "canary-0123456789")
    cfg = OmegaConf.create(
        {
            "trainer": {"hub_token": "t", "max_steps": 3},
            "note": "canary-0123456789",
            "overrides": ["trainer.hub_token=t"],
        }
    )
    written = OmegaConf.create(secrets.to_yaml(cfg))
    assert written == {
        "trainer": {"hub_token": "<redacted>", "max_steps": 3},
        "note": "<redacted>",
        "overrides": ["trainer.hub_token=<redacted>"],
    }


def test_what_lies_below_the_key_of_a_secret_is_one(monkeypatch):
    monkeypatch.setattr(secrets, "_known", set())
    secrets.note(["trainer.hub_token.a=canary-0123456789", "masking.b=not-a-secret"])
    assert secrets.redact("canary-0123456789 not-a-secret") == "<redacted> not-a-secret"


def test_a_secret_override_is_recognised(monkeypatch):
    assert secrets.is_secret("trainer.hub_token=x")
    assert secrets.is_secret("note=hf_abcdefghijklmnopqrstu")
    assert not secrets.is_secret("seed=3")
