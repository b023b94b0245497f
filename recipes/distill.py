"""Distil a teacher into a smaller student: labels of texts, masked, causal and text-to-text language models."""

from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from genai_hf import config, models
from genai_hf.analysis.distilled import Comparison
from genai_hf.objectives.distillation import Distillation, Mixture
from genai_hf.recipes import bert_mlm, glue, gpt_lm, t5_qa
from genai_hf.training import Trainer, teaching

RECIPES = {"glue": glue, "bert_mlm": bert_mlm, "gpt_lm": gpt_lm, "t5_qa": t5_qa}


def build(cfg: DictConfig) -> Trainer:
    """The same recipe builds both, so they read the same rows, and are scored in the same way."""
    loss = config.build(Mixture, cfg.loss, at="loss")
    recipe, run = RECIPES[cfg.of], Path(config.training_arguments(cfg).output_dir)
    models.require_layers(cfg.layers, cfg.teacher.model.config if cfg.teacher.name is None else {})

    teaching_cfg = config.with_model(cfg, cfg.teacher.name, peft={"method": None}, quantization={})
    if cfg.teacher.name is None:
        untaught = config.with_model(teaching_cfg, model=cfg.teacher.model)
        name = teaching.taught(partial(recipe.build, untaught), config.within(run, "teacher", untaught))
        teaching_cfg = config.with_model(untaught, name)
    teacher = recipe.build(teaching_cfg)

    if cfg.layers is None:
        learning_cfg = cfg.copy()
        learning_cfg.tokenizer.name = cfg.tokenizer.name or teaching_cfg.tokenizer.name
    else:
        folder = config.within(run, "start", teaching_cfg)
        start = models.thin(teacher.model, teacher.processing_class, cfg.layers, folder)
        learning_cfg = config.with_model(cfg, start, head_labels=None)
    student: Trainer = recipe.build(learning_cfg)

    says = config.build(
        teaching.teacher_of,
        {},
        at="teacher",
        teacher=teacher,
        student=student,
        loss=loss,
        cache=cfg.teacher.cache,
        top_k=cfg.teacher.top_k,
    )
    student.objective = Distillation(hard=student.objective, teacher=says, loss=loss)
    alone = teaching.Alone(partial(recipe.build, learning_cfg), config.within(run, teaching.ALONE, learning_cfg))
    student.afterwards = [*student.afterwards, Comparison(teacher=teacher, alone=alone, compare=cfg.compare)]
    return student
