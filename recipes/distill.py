"""Distil a teacher into a smaller student: labels of texts, masked, causal and text-to-text language models."""

from functools import partial
from pathlib import Path

from genai_hf.recipes import bert_mlm, glue, gpt_lm, t5_qa
from omegaconf import DictConfig

from genai_hf import config, models
from genai_hf.analysis.distilled import Comparison
from genai_hf.objectives.distillation import Distillation, Mixture
from genai_hf.training import Trainer, teaching

RECIPES = {"glue": glue, "bert_mlm": bert_mlm, "gpt_lm": gpt_lm, "t5_qa": t5_qa}


def build(cfg: DictConfig) -> Trainer:
    """The same recipe builds both, so they read the same rows, and are scored in the same way."""
    loss = config.build(Mixture, cfg.loss, at="loss")
    recipe, run = RECIPES[cfg.of], Path(config.training_arguments(cfg).output_dir)

    teaching_cfg = config.with_model(cfg, cfg.teacher.name, peft={"method": None}, quantization={}, head_labels=None)
    if cfg.teacher.name is None:
        untaught = config.with_model(teaching_cfg, model=cfg.teacher.model)
        name = teaching.taught(partial(recipe.build, untaught), run / "teacher")
        teaching_cfg = config.with_model(untaught, name)
    teacher = recipe.build(teaching_cfg)

    if cfg.layers is None:
        learning_cfg = cfg.copy()
        learning_cfg.tokenizer.name = cfg.tokenizer.name or teaching_cfg.tokenizer.name
    else:
        start = models.thin(teacher.model, teacher.processing_class, cfg.layers, run / "start")
        learning_cfg = config.with_model(cfg, start)
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
    alone = partial(recipe.build, learning_cfg) if cfg.compare else None
    student.afterwards = [*student.afterwards, Comparison(teacher=teacher, alone=alone)]
    return student
