"""Run a recipe, sweep over it (-m), or show its settings (--help, --cfg job)."""

import argparse
import contextlib
import io

from omegaconf import OmegaConf

from genai_hf import arguments, secrets
from genai_hf.errors import ConfigError
from genai_hf.ranks import ranks
from genai_hf.recipe_files import RecipeFile
from genai_hf.settings import checking, comments, composing, describing, explaining


def main(words: list[str]) -> int:
    """Do what Hydra's flags say with the recipe that the first word names."""
    recipe, flags = arguments.parse(words, sweeps=True)
    if flags.help:
        print(help_text(recipe, flags.overrides))
    elif flags.cfg or flags.info:
        show(recipe, flags)
    elif flags.multirun:
        from genai_hf import sweeping

        if ranks() > 1:
            raise ConfigError(
                "-m inside a launcher's ranks would run the whole sweep in each; start the launcher in each job"
            )
        return sweeping.sweep(recipe, flags.overrides)
    else:
        cfg = composing.compose(recipe, flags.overrides)
        checking.check(cfg, recipe)
        from genai_hf import running

        return running.start(cfg, arguments.folders(flags))
    return 0


def help_text(recipe: RecipeFile, overrides: list[str]) -> str:
    """How to run the recipe, the choices in every group, and its settings as they would be."""
    found = describing.describe(recipe, overrides)
    head = [line[1:].removeprefix(" ") for line in explaining.source(recipe).splitlines() if line.startswith("#")]
    groups = [f"  {group}={'|'.join(options)}" for group, options in found.groups.items()]
    settings = comments.beside(secrets.to_yaml(found.settings, resolve=False), found.comments)
    return "\n".join([*head, "", "groups", *groups, "", "settings", settings])


def show(recipe: RecipeFile, flags: argparse.Namespace) -> None:
    """Print what Hydra knows: the composed job, Hydra's own node, or how it was put together."""
    cfg = composing.compose(recipe, flags.overrides, resolve=flags.resolve)
    if flags.cfg == "job":
        checking.check(cfg, recipe, files=False)
        node = OmegaConf.select(cfg, flags.package) if flags.package else cfg
        shown = secrets.to_yaml(node, resolve=False) if OmegaConf.is_config(node) else secrets.hide(flags.package, node)
        print(str(shown).rstrip("\n"))
        return
    app, said = composing.application(recipe), io.StringIO()
    with contextlib.redirect_stdout(said):
        if flags.cfg:
            app.show_cfg(recipe.name, flags.overrides, cfg_type=flags.cfg, package=flags.package, resolve=flags.resolve)
        else:
            app.show_info(flags.info, config_name=recipe.name, overrides=flags.overrides)
    print(secrets.redact(said.getvalue()), end="")
