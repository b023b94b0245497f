"""Settings of the Trainer that their types allow and transformers refuses late, or passes over in silence."""

import importlib.util
import re
from collections.abc import Collection, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from genai_hf.config import check_node, check_type, hint, overrides, require_node
from genai_hf.errors import ConfigError
from genai_hf.settings import schema
from genai_hf.settings.names import TRACKERS, UPSTREAM

OPTIMIZATION = "transformers.optimization"
SCHEDULES = {  # what makes a schedule of learning rates, by trainer.lr_scheduler_type
    "linear": f"{OPTIMIZATION}.get_linear_schedule_with_warmup",
    "cosine": f"{OPTIMIZATION}.get_cosine_schedule_with_warmup",
    "cosine_with_restarts": f"{OPTIMIZATION}.get_cosine_with_hard_restarts_schedule_with_warmup",
    "polynomial": f"{OPTIMIZATION}.get_polynomial_decay_schedule_with_warmup",
    "constant": f"{OPTIMIZATION}.get_constant_schedule",
    "constant_with_warmup": f"{OPTIMIZATION}.get_constant_schedule_with_warmup",
    "inverse_sqrt": f"{OPTIMIZATION}.get_inverse_sqrt_schedule",
    "reduce_lr_on_plateau": "torch.optim.lr_scheduler.ReduceLROnPlateau",
    "cosine_with_min_lr": f"{OPTIMIZATION}.get_cosine_with_min_lr_schedule_with_warmup",
    "cosine_warmup_with_min_lr": f"{OPTIMIZATION}.get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
    "warmup_stable_decay": f"{OPTIMIZATION}.get_wsd_schedule",
    "greedy": f"{OPTIMIZATION}.GreedyLR",
}
OF_RUN = ("optimizer", "num_warmup_steps", "num_training_steps", "last_epoch")  # given to each that takes it
NEEDED = {  # by schedule: one of these must be said
    **dict.fromkeys(("cosine_with_min_lr", "cosine_warmup_with_min_lr"), ("min_lr", "min_lr_rate")),
    "warmup_stable_decay": ("num_decay_steps",),
}
BY_EVALUATION = ("reduce_lr_on_plateau", "greedy")
WITHOUT_WARMUP = ("constant", *BY_EVALUATION)
STEPS = ("warmup_steps", "logging_steps", "eval_steps", "save_steps")
OF_WORKERS = ("dataloader_prefetch_factor", "dataloader_persistent_workers", "dataloader_multiprocessing_context")
# What is passed over unless another setting has this value, which the shipped settings may not give it.
OF_USE_WITH = {
    "num_train_epochs": ("max_steps", -1),
    "eval_steps": ("eval_strategy", "steps"),
    "save_steps": ("save_strategy", "steps"),
    "logging_steps": ("logging_strategy", "steps"),
}
CHECKPOINTING = {  # of transformers, and of torch.utils.checkpoint.checkpoint
    "every_n_layers": "int",
    "determinism_check": "Literal['default', 'none']",
    **dict.fromkeys(("offload", "use_reentrant", "preserve_rng_state", "early_stop", "debug"), "bool"),
}
PACKAGES = {  # that an optimizer is from, by the beginning of its name: as pip calls it, and as it is imported
    "galore": ("galore-torch", "galore_torch"),
    "apollo": ("apollo-torch", "apollo_torch"),
    **dict.fromkeys(("lomo", "adalomo"), ("lomo-optim", "lomo_optim")),
    "grokadamw": ("grokadamw", "grokadamw"),
    "stable_adamw": ("torch-optimi", "optimi"),
    **dict.fromkeys(("adamw_torch_4bit", "adamw_torch_8bit"), ("torchao", "torchao")),
    "adamw_torch_xla": ("torch-xla", "torch_xla"),
    "adamw_torch_npu": ("torch-npu", "torch_npu"),
}
ARGUMENTS = {  # of which the others are passed over
    "sgd": ("momentum", "dampening", "weight_decay", "nesterov"),
    "adagrad": ("lr_decay", "weight_decay", "eps"),
    "rmsprop": ("momentum", "alpha", "eps", "weight_decay", "centered"),
}
WITHOUT_ARGUMENTS = re.compile(
    r"adafactor|(ada)?lomo|(paged_)?lion_\w+|(paged_)?adamw(_bnb)?_(8bit|32bit)|adamw_torch(_[a-z_]+)?"
)
LESS_IS_BETTER = re.compile(r"(\w+_)?(loss|perplexity|bits_per_byte)")
MORE_IS_BETTER = re.compile(r"(\w+_)?(accuracy|f1|exact_match|rouge\w+)")
OF_PROJECTION = ("galore", "apollo")  # optimizers of a part of the weights


def check(cfg: DictConfig) -> None:
    """Refuse what comes to nothing, or to an error of transformers' once everything is loaded.

    Raises:
        ConfigError: The first.
    """
    node = schema.defaults(schema.fields(UPSTREAM["trainer"])) | dict(cfg.trainer)
    _check_trackers(node["report_to"] or "none")
    _check_steps(node)
    _check_optimizer(node)
    for key in OF_WORKERS:
        if node[key] and not node["dataloader_num_workers"]:
            raise ConfigError(f"'trainer.{key}' is for workers; say trainer.dataloader_num_workers=1")
    _check_schedule(cfg, node)
    _check_checkpointing(cfg, node)
    _check_best(node)
    _check_better(node)
    _check_use(node, {line.lstrip("+").partition("=")[0] for line in overrides(cfg)})


def _check_trackers(trackers: str | list[str]) -> None:
    for tracker in [trackers] if isinstance(trackers, str) else trackers:
        near = hint(str(tracker), TRACKERS) or f"; take one of {', '.join(TRACKERS)}, or none"
        if str(tracker) not in {"none", "all", *TRACKERS}:  # a package's own name might be that of a file here
            raise ConfigError(f"'trainer.report_to': transformers knows no '{tracker}'{near}")
        if tracker in TRACKERS and importlib.util.find_spec(TRACKERS[tracker]) is None:
            raise ConfigError(
                f"'trainer.report_to': {tracker} is not installed; pip install {tracker}, or leave it out"
            )


def _check_steps(node: Mapping[str, Any]) -> None:
    """Numbers of steps: whole, or below 1 and so a share of all of them."""
    if (steps := node["max_steps"]) == 0 or steps < -1:
        raise ConfigError(f"'trainer.max_steps' must be positive, or -1 to count in epochs, got {steps}")
    for key in STEPS:
        if node.get(key) is not None and node[key] > 1 and node[key] % 1:
            raise ConfigError(
                f"'trainer.{key}' must be a whole number, or below 1 a share of all steps, got {node[key]}"
            )
    if (limit := node["save_total_limit"]) is not None and limit < 1:
        remedy = "null keeps every checkpoint, and trainer.save_strategy=no makes none"
        raise ConfigError(f"'trainer.save_total_limit' must be at least 1, got {limit}; {remedy}")


def _check_optimizer(node: Mapping[str, Any]) -> None:
    """Whether it is there, and what it is given beside its rate."""
    kind, words = node.get("optim", "adamw_torch_fused"), (node["optim_args"] or "").replace(" ", "")
    if kind.startswith("schedule_free"):
        raise ConfigError(f"'trainer.optim': {kind} keeps what it learns where no checkpoint does; take another")
    for start, (package, module) in PACKAGES.items():
        if kind.startswith(start) and importlib.util.find_spec(module) is None:
            raise ConfigError(f"'trainer.optim': {kind} is not installed; pip install {package}, or take another")
    if words and not re.fullmatch(r"\w+=[^=,]+(,\w+=[^=,]+)*", words):
        raise ConfigError(f"'trainer.optim_args' must be of the form name=value,name=value, got '{words}'")
    if words and WITHOUT_ARGUMENTS.fullmatch(kind):
        raise ConfigError(f"'trainer.optim_args' is not for {kind}; leave it out")
    for name in re.findall(r"(\w+)=", words):
        if kind in ARGUMENTS and name not in ARGUMENTS[kind]:
            raise ConfigError(f"'trainer.optim_args': {kind} takes no {name}{hint(name, ARGUMENTS[kind])}")
    if node["optim_target_modules"] and not kind.startswith(OF_PROJECTION):
        raise ConfigError(f"'trainer.optim_target_modules' is for galore and apollo, not {kind}; leave it out")


def _check_schedule(cfg: DictConfig, node: Mapping[str, Any]) -> None:
    """What a schedule is given, by what makes it."""
    at, kind, given = "trainer.lr_scheduler_kwargs", node["lr_scheduler_type"], node["lr_scheduler_kwargs"]
    if given is not None:
        require_node(cfg, f"{at}.name", example=f"{at}.num_cycles")
        if given and not schema.fields(SCHEDULES[kind]).keys() - set(OF_RUN):
            raise ConfigError(f"'{at}': {kind} takes none; leave them out, or name another trainer.lr_scheduler_type")
        check_node(SCHEDULES[kind], given, at=at, given=OF_RUN)
    if kind in BY_EVALUATION and node["eval_strategy"] == "no":
        raise ConfigError(f"'trainer.lr_scheduler_type': {kind} goes by evaluations; say trainer.eval_strategy=epoch")
    needed = NEEDED.get(kind, ())
    said = [key for key in needed if (given or {}).get(key) is not None]
    if needed and len(said) != 1:
        ways = " or ".join(f"{at}.{key}=…" for key in needed)
        raise ConfigError(
            f"'trainer.lr_scheduler_type': {kind} takes {ways}; say {'one of them' if said else 'it too'}"
        )


def _check_checkpointing(cfg: DictConfig, node: Mapping[str, Any]) -> None:
    """What is given to activation checkpointing, by either of its names."""
    for at in ("trainer.activation_checkpointing_kwargs", "trainer.gradient_checkpointing_kwargs"):
        if (given := OmegaConf.select(cfg, at)) is None:
            continue
        require_node(cfg, f"{at}.name", example=f"{at}.use_reentrant")
        for key, value in given.items():
            if key not in CHECKPOINTING:
                raise ConfigError(f"'{at}.{key}' is not of activation checkpointing{hint(key, CHECKPOINTING)}")
            check_type(f"{at}.{key}", value, CHECKPOINTING[key])
        if given.get("debug") and given.get("use_reentrant") is not False:
            raise ConfigError(f"'{at}.debug' needs {at}.use_reentrant=false; say it too")
        if not (node["activation_checkpointing"] or node["gradient_checkpointing"]):
            raise ConfigError(f"'{at}' does nothing alone; say trainer.activation_checkpointing=true besides")


def _check_best(node: Mapping[str, Any]) -> None:
    """What is best is known only of a checkpoint that is evaluated."""
    evaluates, saves = node["eval_strategy"], node["save_strategy"]
    if not node["load_best_model_at_end"] and saves != "best":
        return
    key = "'trainer.load_best_model_at_end'" if node["load_best_model_at_end"] else "'trainer.save_strategy'"
    if evaluates == "no":
        raise ConfigError(f"{key}: nothing is evaluated; say trainer.eval_strategy={saves.replace('best', 'epoch')}")
    if not node["load_best_model_at_end"] and node["metric_for_best_model"] is None:
        raise ConfigError(f"{key}: best by a figure that is named; say trainer.metric_for_best_model=loss besides")
    if saves not in {evaluates, "best"}:
        raise ConfigError(f"{key}: every checkpoint must be evaluated; say trainer.save_strategy={evaluates}")
    every, each = node["save_steps"], node["eval_steps"]
    if saves == "steps" and type(every) is int and type(each) is int and every % each:
        raise ConfigError(f"{key}: trainer.save_steps={every} must be a multiple of trainer.eval_steps={each}")


def _check_better(node: Mapping[str, Any]) -> None:
    """Whether more of a figure is better: transformers believes it of all but losses, whatever is said of those."""
    figure = (node["metric_for_best_model"] or "loss").removeprefix("eval_")
    says = node["greater_is_better"]
    believed = says if says is not None else not figure.endswith("loss")
    key = "trainer.greater_is_better"
    if believed and LESS_IS_BETTER.fullmatch(figure):
        raise ConfigError(f"'{key}': the lowest {figure} is the best; say {key}=false")
    if not believed and MORE_IS_BETTER.fullmatch(figure):
        raise ConfigError(f"'{key}': the highest {figure} is the best; say {key}=true")


def _check_use(node: Mapping[str, Any], asked: Collection[str]) -> None:
    """What was asked for and does nothing beside what was not."""
    for key, (other, value) in OF_USE_WITH.items():
        if f"trainer.{key}" in asked and f"trainer.{other}" not in asked and node[other] != value:
            now = f"trainer.{other}={node[other]}"
            raise ConfigError(f"'trainer.{key}' does nothing with {now}; say trainer.{other}={value} besides")
    if "trainer.warmup_steps" in asked and node["warmup_steps"] and node["lr_scheduler_type"] in WITHOUT_WARMUP:
        remedy = "say trainer.lr_scheduler_type=constant_with_warmup"
        raise ConfigError(f"'trainer.warmup_steps' does nothing with {node['lr_scheduler_type']}; {remedy}")
