"""What of upstream may be set, other tools' names for our settings, and the smallest values that mean anything."""

from typing import Any

# Groups that an upstream library owns: all fields of its class may be set, and are checked against the installed one.
UPSTREAM = {"trainer": "transformers.training_args.TrainingArguments"}
GENERATION = "transformers.generation.configuration_utils.GenerationConfig"
WATERMARK = "transformers.generation.configuration_utils.WatermarkingConfig"
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

VIRTUAL = {"prefix", "prompt", "p_tuning"}  # of them those that put vectors before a text

# What configurations of models call a number of layers.
DEPTHS = {
    *("num_hidden_layers", "num_layers", "n_layer", "n_layers"),
    *("encoder_layers", "decoder_layers", "num_decoder_layers"),
}

# The node of pretrained weights.
PRETRAINED: dict[str, Any] = {
    "architecture": None,
    "name": "???",
    "revision": None,
    "config": {},
    "reinitialized_layers": 0,
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
    "[0, inf)": """max_skipped model.reinitialized_layers trainer.learning_rate trainer.weight_decay
        trainer.max_grad_norm trainer.warmup_steps trainer.num_train_epochs trainer.eval_delay trainer.adam_epsilon
        trainer.dataloader_num_workers trainer.neftune_noise_alpha quantization.llm_int8_threshold
        generation.min_new_tokens generation.min_length generation.top_k generation.no_repeat_ngram_size
        generation.encoder_no_repeat_ngram_size""",
    "(0, inf)": """trainer.eval_steps trainer.save_steps trainer.logging_steps peft.lora_alpha generation.temperature
        generation.max_time generation.repetition_penalty generation.encoder_repetition_penalty""",
    "[1, 1024]": "generation.num_beams launch.processes",  # beyond any search, and any machine: nothing would answer
    "[1, inf)": """tokens_per_batch pad_to_multiple_of
        sequence_length target_length mixture.target_length mixture.limit teacher.top_k
        blanks.top
        trainer.per_device_train_batch_size trainer.per_device_eval_batch_size trainer.gradient_accumulation_steps
        trainer.dataloader_prefetch_factor trainer.torch_empty_cache_steps trainer.ddp_timeout peft.r
        peft.num_virtual_tokens peft.encoder_hidden_size peft.encoder_num_layers peft.width generation.max_new_tokens
        generation.prefill_chunk_size generation.prompt_lookup_num_tokens generation.max_matching_ngram_size""",
    "[0, 1)": "trainer.adam_beta1 trainer.adam_beta2 generation.epsilon_cutoff generation.eta_cutoff",
    "(0, 1]": "generation.top_p generation.typical_p generation.top_h",
    "[0, 1]": "second_text generation.min_p peft.lora_dropout peft.encoder_dropout",
}
OF_SCHEDULES = {  # what trainer.lr_scheduler_kwargs gives: with others the rate falls below 0, or stays as it is
    "[0, inf)": "lr_end min_lr min_lr_rate min_lr_ratio warmup_lr_rate num_stable_steps",
    "(0, inf)": "num_cycles power",
    "[1, inf)": "num_decay_steps timescale",
}
RANGES = {key: interval for interval, keys in INTERVALS.items() for key in keys.split()} | {
    f"trainer.lr_scheduler_kwargs.{key}": interval for interval, keys in OF_SCHEDULES.items() for key in keys.split()
}
NUMBERS = ["float32", "float16", "bfloat16", "float64"]
LEVELS = ["detail", "debug", "info", "warning", "error", "critical", "passive"]
BACKENDS = ["inductor", "eager", "aot_eager", "cudagraphs", "onnxrt", "tensorrt", "tvm", "hpu_backend", "neuron"]
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
    "trainer.torch_compile_backend": f"Literal{BACKENDS}",
    "trainer.ddp_backend": "Literal['nccl', 'gloo', 'mpi', 'xccl', 'hccl']",
    "trainer.debug": "Literal['', 'underflow_overflow'] | list[Literal['underflow_overflow']]",
    "trainer.include_num_input_tokens_seen": "bool | Literal['all', 'non_padding', 'no']",
    "trainer.dataloader_multiprocessing_context": "Literal['fork', 'spawn', 'forkserver']",
    "generation.cache_implementation": "Literal['dynamic', 'static', 'offloaded', 'offloaded_static', 'quantized']",
    "generation.bad_words_ids": "list[list[int]]",
    "generation.exponential_decay_length_penalty": "list[float]",
    "generation.prefill_chunk_size": "int",
    **dict.fromkeys(("generation.suppress_tokens", "generation.begin_suppress_tokens"), "list[int]"),
    **dict.fromkeys(
        ("generation.eos_token_id", "generation.forced_eos_token_id", "generation.decoder_start_token_id"),
        "int | list[int]",
    ),
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
