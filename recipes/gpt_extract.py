"""Fine-tune a decoder as GPT: [START] text [DELIM] text [EXTRACT], with language modelling beside the labels."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from genai_hf import config, data, encoding, models, tokenization
from genai_hf.analysis.labelling import LabellingReport
from genai_hf.collators.extract import ExtractCollator
from genai_hf.objectives.extract import Extract
from genai_hf.objectives.labelling import Labelling
from genai_hf.reports import glue
from genai_hf.reports.sweep import SweepCell
from genai_hf.training import Trainer


def build(cfg: DictConfig) -> Trainer:
    """Cheap and fallible first: a wrong setting or row stops here, before any weight is read."""
    arguments = config.training_arguments(cfg)

    with arguments.main_process_first():  # the others find what it downloaded, and its tokenizer
        task = config.build(data.Task, cfg.task, at="task")
        kind = config.build(encoding.transformation_of, {}, at="input", task=task, asked=cfg.input)
        examples = config.build(data.labelled, cfg.data, at="data", task=task)
        tokenizer = config.build(tokenization.load_or_train, cfg.tokenizer, at="tokenizer", corpus=examples.corpus())
    names, shape = examples.task.names, {"tokenizer": tokenizer, "sequence_length": cfg.sequence_length}
    shape |= {"seed": cfg.seed, "quantization": config.quantization(cfg)}
    trunk = config.build(models.load, cfg.model, at="model", head="causal_lm", **shape)
    marks = config.build(tokenization.append_marks, cfg.tokens, at="tokens", tokenizer=tokenizer)
    facts = models.Facts(transformation=kind, names=names, length=cfg.sequence_length, **cfg.tokens)
    given = {"trunk": trunk, "facts": facts, "marks": marks, "seed": cfg.seed}
    model = config.build(models.add_extract_head, cfg.head, at="head", **given)
    given = {"tokenizer": tokenizer, "marks": marks, "transformation": kind, "length": cfg.sequence_length}
    layout = config.build(encoding.Layout, {}, at="sequence_length", **given)
    rows = encoding.lay_out(examples=examples, layout=layout, predict=cfg.predict)
    labelling = Labelling(
        names=names,
        scores=examples.task.scores,
        validation=examples.sets,
        train_labels=rows["train"].labels,
        adversarial=examples.task.adversarial,
    )
    pad = tokenizer.pad_token_id or 0
    return Trainer(
        model=models.adapt(model, config.adapter(cfg)),
        args=arguments,
        objective=config.build(Extract, cfg.auxiliary, at="auxiliary", labelling=labelling, transformation=kind),
        processing_class=tokenizer,
        data_collator=ExtractCollator(
            pad_token_id=pad,
            pad_to_multiple_of=cfg.pad_to_multiple_of,
            transformation=kind,
            shares=examples.shares(),
        ),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        **config.batching(cfg),
        afterwards=[LabellingReport(examples=examples, rows=rows, hardest=cfg.hardest, predict=cfg.predict)],
    )


def summarise(folder: Path, cells: Sequence[SweepCell]) -> None:
    """Leave the table of a sweep's runs in its folder."""
    glue.write(folder, cells)
