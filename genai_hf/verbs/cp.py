"""Copy a recipe and its settings here, to edit: genai-hf cp RECIPE NAME, then genai-hf ./NAME.py.

genai-hf cp RECIPE NAME      writes NAME.py and NAME.yaml; what is there is never overwritten
genai-hf ./NAME.py           runs them; the packaged groups (model, data …) stand behind them
"""

import importlib.util
import re
from pathlib import Path

from genai_hf import recipe_files
from genai_hf.errors import ConfigError
from genai_hf.settings import explaining


def main(words: list[str]) -> int:
    """Write NAME.py and NAME.yaml into the working directory; nothing is ever overwritten."""
    if len(words) != 2:
        raise ConfigError("it takes a recipe and a new name: genai-hf cp RECIPE NAME")
    recipe, name = recipe_files.find(words[0]), words[1].removesuffix(".py")
    if not name.isidentifier():
        raise ConfigError(f"'{name}' cannot be a module's name; use letters, digits and underscores")
    if name in recipe_files.shipped():
        raise ConfigError(f"'{name}' is a shipped recipe's name; choose another")
    if importlib.util.find_spec(name) is not None and not Path(f"{name}.py").exists():
        raise ConfigError(f"an installed module is called '{name}' too; choose another name")
    source, settings = Path(f"{name}.py"), Path(f"{name}.yaml")
    for file in (source, settings):
        if file.exists():
            raise ConfigError(f"{file} exists; choose another name")
    source.write_text(recipe.path.read_text(encoding="utf-8"), encoding="utf-8")
    yaml = re.sub(rf"(genai[-_]hf (?:inspect |check )?){recipe.name}\b", rf"\1./{name}.py", explaining.source(recipe))
    settings.write_text(yaml, encoding="utf-8")
    print(f"{source} and {settings} are yours; run them with: genai-hf ./{source}")
    return 0
