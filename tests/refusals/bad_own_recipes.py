"""Recipes and settings of the user's own."""

from collections.abc import Sequence
from importlib.resources import files

from asking import Case

RECIPE = (files("genai_hf.recipes") / "bert_mlm.py").read_text("utf-8")
SETTINGS = (files("genai_hf.conf") / "bert_mlm.yaml").read_text("utf-8")
AFTER = len(SETTINGS.splitlines()) + 1  # the line of what is added to them
SEED = next(number for number, line in enumerate(RECIPE.splitlines(), 1) if "seed=cfg.seed" in line)
FIRST = RECIPE.splitlines().index("from omegaconf import DictConfig") + 1


def own(cause: str, said: str, *, recipe: str = RECIPE, settings: str = SETTINGS, more: str = "") -> Case:
    """A copy of `bert_mlm`, changed."""
    made = {"mine.py": recipe, "mine.yaml": settings + more}
    return Case(cause=cause, words=["./mine.py", "--cfg", "job"], said=said, files=made)


def importing(line: str) -> str:
    """The recipe with an import in the place of one that it has."""
    return RECIPE.replace("from omegaconf import DictConfig", line, 1)


CASES: Sequence[Case] = (
    own(
        "A key of one's own settings that no recipe reads",
        f"mine.yaml:{AFTER}: no recipe reads 'maskng'; did you mean 'masking'?",
        more="maskng: {probability: 0.3}\n",
    ),
    own(
        "A key in a node of one's own settings that nobody reads",
        f"mine.yaml:{AFTER}: no recipe reads 'speed.atention'; did you mean 'speed.attention'?",
        more="speed: {atention: library}\n",
    ),
    own(
        "A key of one's own that one's own recipe does not read",
        f"mine.yaml:{AFTER}: no recipe reads 'my_key'; leave it out, or read it in the recipe as cfg.my_key",
        more="my_key: 3\n",
    ),
    own(
        "A misspelt field of TrainingArguments in one's own settings",
        "'trainer.learnign_rate' is not a parameter of TrainingArguments; did you mean 'trainer.learning_rate'?",
        more="trainer: {learnign_rate: 1e-4}\n",
    ),
    own(
        "A key that one's own recipe reads and one's own settings lack",
        f"mine.yaml: lacks 'my_key', which mine.py:{SEED} reads; write it there",
        recipe=RECIPE.replace("seed=cfg.seed", "seed=cfg.my_key", 1),
    ),
    own(
        "One's own settings without what every recipe shares",
        "mine.yaml: lacks what every recipe shares; begin its list of defaults with '- base'",
        settings="",
    ),
    own(
        "A config in one's own defaults that is not there",
        "mine.yaml: its defaults name 'nothing', which is not there; mend the name",
        settings=SETTINGS.replace("- base", "- base\n  - nothing"),
    ),
    own(
        "A group in one's own defaults that is not there",
        "there is no group 'nogroup', which nogroup=x chooses from; mend its name",
        settings=SETTINGS.replace("- base", "- base\n  - nogroup: x"),
    ),
    own(
        "A value of one's own settings that stands for another that is not there",
        "mine.yaml: 'sequence_length': Interpolation key 'number' not found; a value may name another settin…",
        settings=SETTINGS.replace("sequence_length: 64", "sequence_length: ${number}"),
    ),
    own(
        "One's own recipe without build and main",
        "mine.py: has no function to call; write build(cfg), which returns a Trainer, or main(cfg), which re…",
        recipe=RECIPE.replace("def build(", "def bild("),
    ),
    own(
        "One's own recipe that is no Python",
        f"mine.py:{FIRST}: not Python (invalid syntax); mend the recipe there",
        recipe=importing("frm omegaconf import DictConfig"),
    ),
    own(
        "A module in one's own recipe that is not there",
        f"mine.py:{FIRST}: no module 'nothing_there' is installed or lies beside it; mend the import",
        recipe=importing("import nothing_there"),
    ),
    own(
        "A part in one's own recipe that is not there",
        f"mine.py:{FIRST}: there is no genai_hf.nothing; mend the recipe there",
        recipe=importing("from genai_hf import nothing"),
    ),
    own(
        "A call of a part in one's own recipe that is not there",
        "mine.py: there is no genai_hf.data.dokuments; mend the recipe there",
        recipe=RECIPE.replace("data.documents", "data.dokuments"),
    ),
    own(
        "A name in a call of one's own recipe that the part does not have",
        "mine.py: genai_hf.collators.two_texts.TwoTextsCollator takes no 'shar'; did you mean 'share'?",
        recipe=RECIPE.replace("share=", "shar="),
    ),
    Case(
        cause="One's own recipe by its name",
        words=["mine"],
        files={"mine.py": RECIPE, "mine.yaml": SETTINGS},
        said="no recipe 'mine'; one of your own is called by its path: genai-hf ./mine.py",
    ),
    Case(
        cause="An experiment of one's own without its first line",
        words=["bert_mlm", "--config-dir", "cf", "experiment=mine", "--cfg", "job"],
        files={"cf/experiment/mine.yaml": "trainer: {max_steps: 3}\n"},
        said="cf/experiment/mine.yaml: its keys stand below 'experiment', where nobody reads them; begin it with…",
    ),
    Case(
        cause="A model of one's own without its name",
        words=["bert_mlm", "--config-dir", "cf", "model=mine", "--cfg", "job"],
        files={"cf/model/mine.yaml": "architecture: bert\nconfig: {hidden_size: 32}\n"},
        said="cf/model/mine.yaml: lacks 'name', to which other settings refer; write name: null",
    ),
    Case(
        cause="Settings of one's own by the name of a packaged recipe",
        words=["bert_mlm", "--config-dir", "cf", "data=text", "--cfg", "job"],
        files={"cf/bert_mlm.yaml": "run: fixed\n"},
        said="cf/bert_mlm.yaml: takes the place of the packaged settings, and lacks what every recipe shares (- bas…",
    ),
    Case(
        cause="An option of one's own whose file ends in .yml",
        words=["bert_mlm", "--config-dir", "cf", "model=mine", "--cfg", "job"],
        files={"cf/model/mine.yml": "architecture: bert\nname: null\n"},
        said="'model=mine': cf/model/mine.yml is not read; let its name end in .yaml",
    ),
)
