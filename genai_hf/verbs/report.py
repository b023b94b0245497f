"""Write the report of a run or a sweep again, from what its folder holds: genai-hf report RUN ….

genai-hf report outputs/bert_mlm/NAME              a run's, finished or not
genai-hf report outputs/bert_mlm/sweeps/NAME       a sweep's
"""

from pathlib import Path

from genai_hf.errors import ConfigError


def main(words: list[str]) -> int:
    """Render each folder's report and print its path."""
    from genai_hf import recipe_files, sweeping
    from genai_hf.reports import render, sweep

    if not words:
        raise ConfigError("name one or more run folders, such as outputs/bert_mlm/…")
    for word in words:
        folder = Path(word)
        if (folder / "sweep.json").is_file():
            title, cells = sweep.load_sweep(folder)
            name = title.partition(" ")[0]
            if name in recipe_files.shipped():
                sweeping.summarise(recipe_files.find(name), folder, cells)
            print(sweep.write_sweep(folder, title, cells))
        else:
            print(render.write_report(folder))
    return 0
