"""The README.md of a trained model, as the Hugging Face Hub reads it: what it is, how it was made, what it reached."""

import re
from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData

from genai_hf import files
from genai_hf.errors import UserError
from genai_hf.reports import pages, story
from genai_hf.reports.model_files import Saved, read_saved
from genai_hf.reports.run_folder import Run, read_run
from genai_hf.reports.sections import Table
from genai_hf.reports.settings import groups
from genai_hf.reports.words import is_bookkeeping, metric_name

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
# Of these groups, the settings that shape the model; of any other group, all.
KEPT: dict[str, set[str]] = {
    "general": {"seed", "precision", "sequence_length"},
    "trainer": {
        "learning_rate",
        "lr_scheduler_type",
        "warmup_steps",
        "weight_decay",
        "optim",
        "max_steps",
        "num_train_epochs",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
    },
    "hydra": set(),
    "launch": set(),
    "resume": set(),
}


def write_model_card(folder: Path, part: str = "model") -> Path:
    """Write the ``README.md`` of a run's model, which lies in the part ``model`` or ``merged`` of its folder.

    Nothing is invented: no licence, no author, no language that the run does not know.

    Returns:
        Path of the card.

    Raises:
        UserError: The folder is not a run's, or it holds no model.
    """
    run, model = read_run(folder), folder / part
    if not model.is_dir():
        raise UserError(f"{model}: no such folder; the run has not saved a model")
    saved = read_saved(model)
    text = pages.markdown(
        "model_card.md.jinja",
        front=pages.Markdown(_front_matter(run, saved).to_yaml().strip()),
        run=run,
        saved=saved,
        sentence=story.sentence(run) if run.finished else "",
        settings=_settings(run),
        numbers=story.final_numbers(run),
        merged=part != "model",
        data=_data_name(run),
        versions=groups(run.fingerprint).get("versions", []),
    )
    path = model / "README.md"
    files.write_text(path, text)
    return path


def _front_matter(run: Run, saved: Saved) -> ModelCardData:
    base = saved.base or str(run.setting("model.name") or "")
    return ModelCardData(
        library_name=saved.library,
        tags=["genai-hf", run.recipe],
        pipeline_tag=saved.task or None,
        base_model=base if HUB_NAME.fullmatch(base) and not Path(base).exists() else None,
        datasets=[_data_name(run)] if run.setting("data.format") == "hub" else None,
        model_name=run.name,
        eval_results=_results(run, saved.task) or None,
    )


def _results(run: Run, task: str) -> list[EvalResult]:
    """The evaluation in the Hub's form, which needs the name of a task."""
    name = _data_name(run)
    kind = re.sub(r"[^\w./-]", "-", name)
    return [
        EvalResult(
            task_type=task,
            dataset_type=kind,
            dataset_name=name,
            dataset_split="validation",
            metric_type=key.removeprefix("eval_"),
            metric_name=metric_name(key),
            metric_value=value,
        )
        for key, value in run.latest.items()
        if task and key.startswith("eval_") and not is_bookkeeping(key)
    ]


def _data_name(run: Run) -> str:
    """Name of the data, without the folders that lead to it on the machine of the run."""
    given = [run.setting(f"data.{key}") for key in ("name", "path", "format")]
    name = next((value for value in given if isinstance(value, str) and value), "its own data")
    return name if run.setting("data.format") == "hub" else Path(name).name


def _settings(run: Run) -> Table:
    """Settings that shape the model: all of model, data and the recipe's own groups; of the trainer its schedule."""
    entries = [(group, entry) for group, members in groups(run.config).items() for entry in members]
    rows: list[list[str | int | float | None]] = [
        [entry.name if group == "general" else f"{group}.{entry.name}", _without_folders(entry.value)]
        for group, entry in entries
        if entry.name in KEPT.get(group, {entry.name}) and not entry.value.startswith(("null", "{", "["))
    ]
    return Table("Settings", ["setting", "value"], rows)


def _without_folders(value: str) -> str:
    return Path(value).name if value.startswith(("/", "./", "../", "~")) else value
