"""What a part would refuse is found out from its source; what takes more than the settings is left to it."""

import textwrap

import pytest

from genai_hf import recipe_files
from genai_hf.errors import ConfigError
from genai_hf.settings import composing, foreseeing

SOURCE = '''
from dataclasses import dataclass, field

KINDS = {"small": len, "large": len}
LEAST = 2


@dataclass(frozen=True, kw_only=True)
class Part:
    size: int
    share: float = 0.5
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.tokenizer.mask_token is None:
            raise ValueError("no mask")
        for name in ("size", "share"):
            if vars(self)[name] < 0:
                raise ValueError(f"{name} must be at least 0, got {vars(self)[name]}")
        if self.doubled > 10:
            raise ValueError(f"twice the size is {self.doubled}")
        self._check(self.share)

    @property
    def doubled(self) -> int:
        """Twice."""
        return 2 * self.size

    def _check(self, part: float) -> None:
        if part > 1:
            raise ValueError(f"share must be at most 1, got {part}")


def chosen(*, kind: str, number: int = 3) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be of {', '.join(KINDS)}, got {kind}")
    if number < LEAST:
        raise ValueError(f"number must be at least {LEAST}, got {number}")


def left_early(found, *, number: int) -> None:
    if found.is_there():
        return
    if number < 0:
        raise ValueError("never reached for certain")


def gathered(found, *, number: int) -> None:
    seen = []
    for one in found:
        seen.append(one)
    if not seen:
        raise ValueError("nothing is known of what was gathered")
    kept: dict[str, int] = {}
    kept["a"] = found
    if not kept:
        raise ValueError("nor of what was put in")


def shadowed(found, *, number: int) -> None:
    number = found(number)
    if number < 0:
        raise ValueError("it is another number by now")
'''


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """The name of a module with `SOURCE`, which is nowhere imported."""
    package = tmp_path / f"judged_{tmp_path.name}"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "parts.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.syspath_prepend(tmp_path)
    return f"{package.name}.parts"


@pytest.mark.parametrize(
    ("part", "given", "said"),
    [
        ("Part", {"size": -1}, "size must be at least 0, got -1"),
        ("Part", {"size": 1, "share": -0.5}, "share must be at least 0, got -0.5"),
        ("Part", {"size": 6}, "twice the size is 12"),
        ("Part", {"size": 1, "share": 1.5}, "share must be at most 1, got 1.5"),
        ("chosen", {"kind": "huge"}, "kind must be of small, large, got huge"),
        ("chosen", {"kind": "small", "number": 1}, "number must be at least 2, got 1"),
    ],
)
def test_a_check_that_takes_the_settings_alone_is_made(judged, part, given, said):
    with pytest.raises(ValueError) as caught:
        foreseeing.foresee_part(f"{judged}.{part}", given)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("part", "given"),
    [
        ("Part", {"size": 1}),
        ("Part", {}),  # nothing is known of its size
        ("chosen", {"kind": "small"}),
        ("left_early", {"number": -1}),
        ("gathered", {"number": -1}),
        ("shadowed", {"number": -1}),
    ],
)
def test_what_takes_more_is_left_to_the_part(judged, part, given):
    foreseeing.foresee_part(f"{judged}.{part}", given)


def test_a_setting_is_no_code(judged):
    foreseeing.foresee_part(f"{judged}.chosen", {"kind": "small", "number": 5, "other": "__import__('os').abort()"})
    with pytest.raises(ValueError, match=r"__import__\('os'\)\.abort\(\)$"):
        foreseeing.foresee_part(f"{judged}.chosen", {"kind": "__import__('os').abort()"})


def test_every_part_of_a_recipe_is_looked_at_with_its_key():
    recipe = recipe_files.find("t5_spans")
    with pytest.raises(ConfigError, match=r"^corruption: density must be in"):
        foreseeing.foresee(composing.compose(recipe, ["corruption.density=0.9"]), recipe.tree())
    with pytest.raises(ConfigError, match=r"^supervised\.a: validation_share must lie between"):
        words = ["supervised.a.path=x.csv", "supervised.a.validation_share=2"]
        foreseeing.foresee(composing.compose(recipe, words), recipe.tree())


@pytest.mark.parametrize("name", sorted(recipe_files.shipped()))
def test_no_shipped_setting_is_refused(name):
    recipe = recipe_files.find(name)
    foreseeing.foresee(composing.compose(recipe, ["model.name=x"] * (name == "quantize")), recipe.tree())
