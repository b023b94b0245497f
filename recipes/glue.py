"""Fine-tune and score a model on the GLUE tasks, or on labelled texts of your own."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.labelling import LabellingReport
from genai_hf.collators.labelled import LabelledCollator
from genai_hf.objectives.labelling import Labelling
from genai_hf.reports import glue
from genai_hf.reports.sweep import SweepCell
from genai_hf.training import Trainer


def build(cfg: DictConfig) -> Trainer:
    """Cheap and fallible first: a wrong setting or row stops here, before any weight is read."""
    arguments = config.training_arguments(cfg)

    with arguments.main_process_first():  # the others find what it downloaded, and its tokenizer
        task = config.build(data.Task, cfg.task, at="task")
        examples = config.build(data.labelled, cfg.data, at="data", task=task)
        tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=examples.corpus())
    model = config.build(
        models.load_classifier,
        cfg.model,
        at="model",
        names=examples.task.names,
        tokenizer=tokenizer,
        sequence_length=cfg.sequence_length,
        seed=cfg.seed,
        quantization=config.quantization(cfg),
        head_labels=cfg.head_labels,
    )
    rows = config.build(
        encoding.encode,
        {},
        at="sequence_length",
        examples=examples,
        tokenizer=tokenizer,
        length=cfg.sequence_length,
        predict=cfg.predict,
    )
    objective = Labelling(
        names=examples.task.names,
        scores=examples.task.scores,
        validation=examples.sets,
        train_labels=rows["train"].labels,
        order=models.label_order(model.config, examples.task.names),
        adversarial=examples.task.adversarial,
    )
    padding = {"pad_token_id": tokenizer.pad_token_id, "pad_to_multiple_of": cfg.pad_to_multiple_of}
    return Trainer(
        model=models.adapt(model, config.adapter(cfg)),
        args=arguments,
        objective=objective,
        processing_class=tokenizer,
        data_collator=LabelledCollator(**padding, segments=models.has_segments(model.config), shares=examples.shares()),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        **config.batching(cfg),
        afterwards=[LabellingReport(examples=examples, rows=rows, hardest=cfg.hardest, predict=cfg.predict)],
    )


def summarise(folder: Path, cells: Sequence[SweepCell]) -> None:
    """Leave the table of a sweep's runs in its folder."""
    glue.write(folder, cells)
