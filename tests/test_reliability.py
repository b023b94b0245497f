"""The scripts of benchmarks/reliability, shortened: real runs that are broken, over every recipe that trains."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cases
import pytest

from genai_hf import recipe_files

SCRIPTS = Path(__file__).parents[1] / "benchmarks" / "reliability"
SOME = "spanbert"  # with a head that only training has
ALL = ",".join(cases.OWN)
every_recipe = pytest.mark.parametrize(
    "recipes", [SOME, pytest.param(ALL, marks=pytest.mark.slow)], ids=["some", "all"]
)


def found(script, *words, recipes):
    """What the script prints: one object a recipe, or one over all recipes."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / script, *words], capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "RECIPES": recipes},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_recipe_that_trains_is_covered():
    trained = {name for name, recipe in recipe_files.shipped().items() if recipe.trains}
    assert cases.OWN.keys() == trained


@pytest.mark.slow  # at every operation of a save: the next test
def test_killed_at_random_a_run_loses_no_checkpoint_and_ends_the_same():
    kills = 4 * len(cases.OWN)
    words = ["--kills", str(kills), "--inside", "1", "--large", "0", "--each", "2"]
    (seen,) = found("kills.py", *words, recipes=ALL)
    assert seen["kills"] >= kills
    assert seen["lost_checkpoints"] == seen["invalid_visible_checkpoints"] == 0
    assert seen["identical_runs"] == seen["runs"]


@pytest.mark.slow
@every_recipe
def test_killed_at_any_operation_of_a_save_the_newest_whole_checkpoint_is_used(recipes):
    for seen in found("file_operations.py", "--places", "2", recipes=recipes):
        assert seen["kills before an operation"] == seen["operations"] > 30
        assert seen["kills within a file"] > 4
        for wrong in ("not killed", "wrong checkpoint used", "broken checkpoints seen", "next save fails"):
            assert seen[wrong] == 0, wrong


@every_recipe
def test_every_damage_to_a_checkpoint_is_noticed(recipes):
    (seen,) = found("damage.py", "--damages", "60", recipes=recipes)
    assert seen["damages"] == seen["flipped bit"] + seen["cut file"] + seen["missing file"] == 60
    assert seen["not noticed"] == seen["the one before not used"] == seen["healed one refused"] == 0


@pytest.mark.slow
@every_recipe
def test_what_is_no_number_stops_training_before_the_step(recipes):
    for seen in found("not_a_number.py", recipes=recipes):
        cases_of = [answers for name, answers in seen.items() if name != "recipe"]
        assert len(cases_of) == 5
        assert all(all(answers.values()) for answers in cases_of)


@pytest.mark.slow
@every_recipe
def test_signals_save_and_the_run_ends_the_same(recipes):
    for seen in found("signals.py", "--signals", "3", recipes=recipes):
        assert seen["signals"] == seen["right exit codes"] == seen["saved at the last step"] == 3
        assert seen["identical runs"] == seen["runs"]


@pytest.mark.slow
def test_a_changed_mind_is_noticed_and_taken_where_it_is_allowed():
    for seen in found("changed_minds.py", recipes=ALL):
        assert seen["right"] == seen["changed minds"] == 12, seen["wrong"]


@pytest.mark.slow
def test_the_gradient_is_the_same_however_the_step_is_cut_up():
    for seen in found("invariance.py", recipes=ALL):
        assert all(distance < 1e-10 for cut, distance in seen.items() if cut != "recipe")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_fills_up_loses_nothing():
    for seen in found("disk.py", recipes=ALL):
        for right in ("exit code 3", "names folder and what is free", "checkpoint kept", "identical runs"):
            assert seen[right] == 20, right
        assert seen["traceback"] == seen["invalid visible checkpoints"] == 0


@pytest.mark.slow
def test_of_two_ranks_nobody_is_left_and_the_run_ends_the_same():
    for seen in found("ranks.py", "--kills", "3", "--each", "3", recipes=ALL):
        assert seen["kills"] == 3
        assert seen["orphans after 10 s"] == seen["lost checkpoints"] == seen["invalid visible checkpoints"] == 0
        assert seen["identical runs"] == seen["runs"]
