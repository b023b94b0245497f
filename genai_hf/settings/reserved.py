"""Fields of upstream's classes that are not for setting, and what to do instead; to say what is so is no mistake."""

import os
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig

from genai_hf.errors import ConfigError
from genai_hf.settings import schema

# Fields of TrainingArguments that would do nothing here, or break a promise; and what to set instead.
OF_TRAINER = {
    "output_dir": "set root=… (the folder of all runs) or run=… (the name of this one)",
    "bf16": "set precision=bf16",
    "fp16": "set precision=fp16",
    "remove_unused_columns": "it must be false here",
    "disable_tqdm": "the progress bar shows on a terminal only",
    "logging_nan_inf_filter": "it would log 0.0 where the loss is not a number",
    "average_tokens_across_devices": "the loss is always divided by the targets of all devices",
    "label_smoothing_factor": "the objectives have no label smoothing",
    "dataloader_drop_last": "every row comes once an epoch",
    "dataloader_in_order": "the order is a function of seed and epoch",
    "train_sampling_strategy": "the order is a function of seed and epoch",
    "length_column_name": "group_by_length=true goes by the rows' own lengths",
    "push_to_hub": "nothing is sent while a model trains; afterwards: hf upload OWNER/NAME RUN/model",
    **dict.fromkeys(
        ("hub_model_id", "hub_strategy", "hub_private_repo", "hub_always_push", "hub_revision"),
        "nothing is sent while a model trains; afterwards: hf upload OWNER/NAME RUN/model",
    ),
    "resume_from_checkpoint": "the same command resumes by itself",
    "save_only_model": "a checkpoint is there to go on from",
    "ignore_data_skip": "a resumed run goes on at its place in the data",
    "auto_find_batch_size": "it would change the effective batch; halve it yourself and double the accumulation",
    "enable_jit_checkpoint": "a signal saves a checkpoint already",
    "accelerator_config": "batches are cut and moved to the device without accelerate",
    "parallelism_config": "no value of YAML is one; launch=fsdp shards a model",
    "deepspeed": "say launch=deepspeed; a file of yours is named by --deepspeed_config_file in launch.arguments",
    "local_rank": "the launcher gives each process its own",
    **dict.fromkeys(("fsdp", "fsdp_config"), "say launch=fsdp, whose launch.arguments tell how to shard"),
    **dict.fromkeys(
        ("use_liger_kernel", "liger_kernel_config"), "its loss would take the place of the objective's"
    ),
    **dict.fromkeys(
        ("batch_eval_metrics", "eval_accumulation_steps", "eval_do_concat_batches", "eval_use_gather_object",
         "include_for_metrics", "label_names", "prediction_loss_only"),
        "evaluation is by the objective, which keeps sums and no predictions",
    ),
    **dict.fromkeys(("bf16_full_eval", "fp16_full_eval"), "evaluation computes as training does; set precision=…"),
    "do_train": "trainer.num_train_epochs=0 scores a model as it is",
    "do_eval": "set trainer.eval_strategy=…",
    "do_predict": "a test set is scored where there is one",
}  # fmt: skip
# Of them those that this project sets otherwise than transformers.
HELD = {
    "remove_unused_columns": False,  # example_id and epoch must reach the collator
    "logging_nan_inf_filter": False,  # it writes 0.0 where the loss is not a number
    "disable_tqdm": True,  # the progress bar is ours
}
# The same of GenerationConfig.
OF_GENERATION = {
    "max_length": "set generation.max_new_tokens",
    "num_return_sequences": "a prompt has one text; another seed gives another",
    "token_healing": "the prompt is read as it stands",
    "compile_config": "no value of YAML is one",
    "continuous_batching_config": "one prompt is answered at a time",
    "transformers_version": "the installed one writes",
    **dict.fromkeys(
        ("assistant_confidence_threshold", "assistant_early_exit", "assistant_ensemble_weight", "assistant_lookbehind",
         "is_assistant", "num_assistant_tokens", "num_assistant_tokens_schedule", "speculation_type",
         "target_lookbehind", "use_mtp"),
        "one model writes by itself",
    ),
    **dict.fromkeys(
        ("return_dict_in_generate", "output_scores", "output_logits", "output_attentions", "output_hidden_states"),
        "text alone is written",
    ),
    **dict.fromkeys(
        ("constraints", "diversity_penalty", "dola_layers", "force_words_ids", "low_memory", "num_beam_groups",
         "penalty_alpha"),
        "transformers has it as code on the Hub only, and none is run from there",
    ),
}  # fmt: skip
ONE = {"num_return_sequences": 1, "num_beam_groups": 1}  # of them those that say nothing with it
# Fields of a model's configuration that change what its forward gives, or follow from what it is.
OF_MODEL = {
    **dict.fromkeys(("return_dict", "output_attentions", "output_hidden_states"), "training reads what a model gives"),
    "is_encoder_decoder": "it follows from the architecture; leave it out",
    "add_cross_attention": "there is no other model whose states it would read",
}
# Fields of an adapter's configuration that follow from the run.
OF_ADAPTER = dict.fromkeys(
    ("inference_mode", "task_type", "peft_type", "base_model_name_or_path", "revision", "auto_mapping"),
    "it follows from the run; leave it out",
)


def refuse(node: Mapping[str, Any], reserved: Mapping[str, str], dotted: str, *, at: str, **held: Any) -> None:
    """Refuse what is not for setting, unless it is set to what it is without it.

    Args:
        node: Settings.
        reserved: By name, what to do instead.
        dotted: The class that has them, whose own defaults they keep.
        at: The dotted key of `node`.
        **held: What those have here that do not.

    Raises:
        ConfigError: The first that is set to something else.
    """
    given = [key for key in reserved if node.get(key) is not None]
    usual = schema.defaults({key: field for key, field in schema.fields(dotted).items() if key in given}) | held
    for key in given:
        if (node[key] or None) != (usual.get(key) or None):  # false is as good as null
            raise ConfigError(f"'{at}.{key}' is not for setting; {reserved[key]}")


def of_trainer(cfg: DictConfig) -> dict[str, Any]:
    """What the reserved fields of TrainingArguments are in a run with these settings."""
    numbers = {"bf16": cfg.precision == "bf16", "fp16": cfg.precision == "fp16"}
    return {**HELD, **numbers, "fsdp": _is_sharded(cfg), "do_train": True, "do_eval": True}


def instead(cfg: DictConfig) -> dict[str, str]:
    """As `OF_TRAINER`; of what is said already, that it is."""
    said = dict[str, str]()
    if cfg.precision != "auto":
        said |= dict.fromkeys(("bf16", "fp16"), f"precision={cfg.precision} says it; leave it out")
    if _is_sharded(cfg):
        said |= dict.fromkeys(("fsdp", "fsdp_config"), "the launcher says it; leave it out")
    return OF_TRAINER | said


def _is_sharded(cfg: DictConfig) -> bool:
    return "--use_fsdp" in cfg.launch.arguments or os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
