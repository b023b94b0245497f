"""Did you mean …? One letter that is missing, doubled or in the other's place leads back to the key that was meant."""

from collections.abc import Iterator

import pytest

from genai_hf import cli, config, recipe_files
from genai_hf.settings import composing, explaining, names, schema, upstream

RECIPE = recipe_files.find("bert_mlm")
OWNED = {"trainer": names.UPSTREAM["trainer"], "model.config": upstream.model_config("bert")}


def slips(word: str) -> Iterator[str]:
    """The word with a letter dropped, doubled, or in the place of the one after it."""
    for place, letter in enumerate(word):
        before, after = word[:place], word[place + 1 :]
        yield from (before + after, before + letter + letter + after)
        if after:
            yield before + after[0] + letter + after[1:]


def test_every_slip_of_a_letter_in_every_key_leads_back_to_it():
    known = explaining.known_keys(composing.application(RECIPE), RECIPE.name)
    lost, tried = [], 0
    for key in sorted(config.dotted_keys(composing.compose(RECIPE))):
        owner, _, word = key.rpartition(".")
        others = {f"{owner}.{name}" for name in schema.fields(OWNED[owner])} if owner in OWNED else known
        for slip in {f"{owner}.{slip}".lstrip(".") for slip in slips(word)} - others - known:
            tried += 1
            if config.hint(slip, others) != f"; did you mean '{key}'?":
                lost.append((slip, config.hint(slip, others)))
    assert lost == []
    assert tried > 2500


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("bert_mlm trianer.max_steps=1", "trainer.max_steps"),
        ("bert_mlm trainer.max_stps=1", "trainer.max_steps"),
        ("bert_mlm model.config.hiden_size=1", "model.config.hidden_size"),
        ("bert_mlm blansk.top=1", "blanks.top"),
        ("bert_mlm rnu=a", "run"),
    ],
)
def test_the_command_gives_the_hint(words, meant, capsys):
    assert cli.main(words.split()) == 2
    assert capsys.readouterr().err.endswith(f"; did you mean '{meant}'?\n")
