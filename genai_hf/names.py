"""What of upstream may be set, other tools' names for our settings, and the smallest values that mean anything."""

from typing import Any

# Groups that an upstream library owns: all fields of its class may be set, and are checked against the installed one.
UPSTREAM = {"trainer": "transformers.training_args.TrainingArguments"}
GENERATION = "transformers.generation.configuration_utils.GenerationConfig"
BITS = "transformers.utils.quantization_config.BitsAndBytesConfig"
ADAPTERS = {  # by peft.method
    "lora": "peft.tuners.lora.config.LoraConfig",
    "ia3": "peft.tuners.ia3.config.IA3Config",
    "prefix": "peft.tuners.prefix_tuning.config.PrefixTuningConfig",
    "prompt": "peft.tuners.prompt_tuning.config.PromptTuningConfig",
    "p_tuning": "peft.tuners.p_tuning.config.PromptEncoderConfig",
    "bottleneck": "genai_hf.models.bottleneck.BottleneckConfig",
}
# Besides: fields of an architecture's own configuration, and names of sets.
OPEN = {  # each with one that is often set
    "trainer": "max_steps",
    "generation": "max_new_tokens",
    "peft": "method",
    "quantization": "load_in_4bit",
    "model.config": "vocab_size",
    "supervised": "NAME.path",
}

# Fields of an adapter's configuration that follow from the run.
OF_ADAPTER = dict.fromkeys(
    ("inference_mode", "task_type", "peft_type", "base_model_name_or_path", "revision", "auto_mapping"),
    "it follows from the run; leave it out",
)

# The node of pretrained weights.
PRETRAINED: dict[str, Any] = {
    "architecture": None,
    "name": "???",
    "revision": None,
    "config": {},
    "from_scratch": False,
}

# What trainer.report_to may name, with the package that it takes.
TRACKERS = {
    **{name: name for name in ("clearml", "codecarbon", "comet_ml", "dagshub", "dvclive", "kubeflow", "mlflow",
                               "neptune", "swanlab", "tensorboard", "trackio", "wandb")},
    "azure_ml": "azureml", "flyte": "flytekit",
}  # fmt: skip

# Where numbers must lie that no class checks, or only when all libraries are loaded.
INTERVALS = {
    "[0, 4294967295]": "seed trainer.seed trainer.data_seed",  # of numpy
    "[0, inf)": """max_skipped trainer.learning_rate trainer.weight_decay trainer.max_grad_norm trainer.warmup_steps
        trainer.logging_steps trainer.num_train_epochs trainer.eval_delay trainer.adam_epsilon
        trainer.dataloader_num_workers trainer.neftune_noise_alpha quantization.llm_int8_threshold
        generation.min_new_tokens generation.min_length generation.top_k generation.no_repeat_ngram_size
        generation.encoder_no_repeat_ngram_size""",
    "(0, inf)": """trainer.eval_steps trainer.save_steps peft.lora_alpha generation.temperature generation.max_time
        generation.repetition_penalty generation.encoder_repetition_penalty""",
    "[1, inf)": """tokens_per_batch pad_to_multiple_of
        launch.processes sequence_length target_length mixture.target_length mixture.limit teacher.top_k
        blanks.top
        trainer.per_device_train_batch_size trainer.per_device_eval_batch_size trainer.gradient_accumulation_steps
        trainer.save_total_limit trainer.eval_accumulation_steps trainer.dataloader_prefetch_factor
        trainer.torch_empty_cache_steps trainer.ddp_timeout peft.r peft.num_virtual_tokens peft.encoder_hidden_size
        peft.encoder_num_layers peft.width generation.max_new_tokens generation.num_beams""",
    "[0, 1)": "trainer.adam_beta1 trainer.adam_beta2 generation.epsilon_cutoff generation.eta_cutoff",
    "(0, 1]": "generation.top_p generation.typical_p generation.top_h",
    "[0, 1]": "generation.min_p peft.lora_dropout peft.encoder_dropout",
}
RANGES = {key: interval for interval, keys in INTERVALS.items() for key in keys.split()}
NUMBERS = ["float32", "float16", "bfloat16", "float64"]
LEVELS = ["detail", "debug", "info", "warning", "error", "critical", "passive"]
# Values of which upstream asks only later what they stand for, or never.
VALUES = {
    "quantization.bnb_4bit_quant_type": "Literal['fp4', 'nf4']",
    "quantization.bnb_4bit_compute_dtype": f"Literal{NUMBERS}",
    "quantization.bnb_4bit_quant_storage": f"Literal{[*NUMBERS, 'int8', 'uint8']}",
    "trainer.log_level": f"Literal{LEVELS}",
    "trainer.log_level_replica": f"Literal{LEVELS}",
    "trainer.torch_compile_mode": "Literal['default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs']",
    "generation.early_stopping": "bool | Literal['never']",
    "generation.stop_strings": "str | list[str]",
    "generation.eos_token_id": "int | list[int]",
}
FROM_DATA = {"eva", "corda", "lora_ga"}  # beginnings of LoRA that PEFT leaves to a call of its own

# What those are told who leave out what must be given.
GIVEN = {"model.name": ", a Hub id or a folder, such as the model/ that a run of gpt_lm or bert_mlm leaves"}

# Names that people bring along from other tools.
SYNONYMS = {
    "lr": "trainer.learning_rate",
    "epochs": "trainer.num_train_epochs",
    "num_epochs": "trainer.num_train_epochs",
    "steps": "trainer.max_steps",
    "batch_size": "trainer.per_device_train_batch_size",
    "train_batch_size": "trainer.per_device_train_batch_size",
    "eval_batch_size": "trainer.per_device_eval_batch_size",
    "accumulate_grad_batches": "trainer.gradient_accumulation_steps",
    "grad_accum": "trainer.gradient_accumulation_steps",
    "gradient_checkpointing": "trainer.activation_checkpointing",
    "evaluation_strategy": "trainer.eval_strategy",
    "no_cuda": "trainer.use_cpu",
    "num_workers": "trainer.dataloader_num_workers",
    "warmup": "trainer.warmup_steps",
    "warmup_ratio": "trainer.warmup_steps (below 1 it is a share of all steps)",
    "clip": "trainer.max_grad_norm",
    "gradient_clip_val": "trainer.max_grad_norm",
    "fp16": "precision=fp16",
    "bf16": "precision=bf16",
    "model_name": "model.name",
    "model_name_or_path": "model.name",
    "dataset": "data",
    "dataset_name": "data.name",
    "path": "data.path",
    "train_file": "data.path",
    "data_dir": "data.path",
    "text_column": "data.column",
    "block_size": "sequence_length",
    "max_length": "sequence_length",
    "max_seq_length": "sequence_length",
    "max_seq_len": "sequence_length",
    "mlm_probability": "masking.probability",
    "name": "run",
    "lora_r": "peft.r",
    "lora_rank": "peft.r",
    "rank": "peft.r",
    "random_seed": "seed",
}

# Names of other tools for what is no key here, and what is there in its place.
INSTEAD = {
    "output_dir": "root=… is the folder of all runs, and run=… the name of this one",
    "overwrite_output_dir": "overwrite=true starts a run afresh",
    "logging_dir": "what a run logs is in its folder; root=… is the folder of all runs",
    "save_safetensors": "weights are always written as safetensors",
}

# Fields of TrainingArguments that would do nothing here, or break a promise; and what to set instead.
RESERVED = {
    "output_dir": "set root=… (the folder of all runs) or run=… (the name of this one)",
    "bf16": "set precision=bf16",
    "fp16": "set precision=fp16",
    "remove_unused_columns": "it must be false here",
    "disable_tqdm": "the progress bar shows on a terminal only",
    "logging_nan_inf_filter": "it would log 0.0 where the loss is not a number",
    "average_tokens_across_devices": "the loss is always divided by the targets of all devices",
    "label_smoothing_factor": "the objectives have no label smoothing",
    "dataloader_drop_last": "every row comes once an epoch",
    "train_sampling_strategy": "the order is a function of seed and epoch",
    "push_to_hub": "nothing is sent while a model trains; afterwards: hf upload OWNER/NAME RUN/model",
    "resume_from_checkpoint": "the same command resumes by itself",
    "save_only_model": "a checkpoint is there to go on from",
    "ignore_data_skip": "a resumed run goes on at its place in the data",
    "auto_find_batch_size": "it would change the effective batch; halve it yourself and double the accumulation",
    "enable_jit_checkpoint": "a signal saves a checkpoint already",
}
# The same of GenerationConfig.
OF_GENERATION = {
    "max_length": "set generation.max_new_tokens",
    "num_return_sequences": "a prompt has one text; another seed gives another",
    "token_healing": "the prompt is read as it stands",
    "use_mtp": "one model writes by itself",
    "is_assistant": "one model writes by itself",
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
