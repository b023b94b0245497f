"""What people bring along: other tools' names for our settings, and the smallest values that mean anything."""

# What no upstream class checks: the smallest value that means anything.
SMALLEST = {
    "learning_rate": 0, "weight_decay": 0, "max_grad_norm": 0, "warmup_steps": 0, "seed": 0, "logging_steps": 0,
    "num_train_epochs": 0, "per_device_train_batch_size": 1, "per_device_eval_batch_size": 1,
    "gradient_accumulation_steps": 1, "dataloader_num_workers": 0, "save_total_limit": 1,
}  # fmt: skip

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
    "train_file": "data.path",
    "text_column": "data.column",
    "block_size": "sequence_length",
    "max_length": "sequence_length",
    "max_seq_length": "sequence_length",
    "max_seq_len": "sequence_length",
    "mlm_probability": "masking.probability",
    "output_dir": "root (the folder of all runs) or run (the name of this one)",
    "name": "run",
    "random_seed": "seed",
}
