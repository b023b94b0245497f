"""Fine-tuning on labelled texts by transformers and datasets alone, for whole processes: no code of this project.

    python benchmarks/stock_glue.py TRAIN.jsonl VALIDATION.jsonl MODEL FOLDER [--best] [--epochs 3]

The columns are sentence1, sentence2 where there is one, and label, a number from 0. The steps are those of run_glue.py:
its defaults (float32, every row padded to 128 tokens), or with `--best` its best flags (bf16, rows padded to the
longest of their batch, group_by_length); batches of 32, an evaluation at the end, the model saved.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import datasets
import evaluate  # noqa: F401 - run_glue.py imports it
import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    Trainer,
    TrainingArguments,
    default_data_collator,
    set_seed,
)

LENGTH = 128


def main() -> None:
    """Train, evaluate, save; print the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "validation", "model", "folder"):
        parser.add_argument(name)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--best", action="store_true")
    asked = parser.parse_args()
    set_seed(0)
    texts = datasets.load_dataset("json", data_files={"train": asked.train, "validation": asked.validation})
    tokenizer = AutoTokenizer.from_pretrained(asked.model)
    columns = [name for name in ("sentence1", "sentence2") if name in texts["train"].column_names]

    def encode(rows: dict[str, list[Any]]) -> Any:
        padding = False if asked.best else "max_length"
        return tokenizer(*(rows[name] for name in columns), padding=padding, max_length=LENGTH, truncation=True)

    rows = texts.map(encode, batched=True)
    best = {"bf16": True, "train_sampling_strategy": "group_by_length"} if asked.best else {}
    trainer = Trainer(
        model=AutoModelForSequenceClassification.from_pretrained(
            asked.model, num_labels=len(set(texts["train"]["label"])), ignore_mismatched_sizes=True
        ),
        args=TrainingArguments(
            asked.folder,
            per_device_train_batch_size=32,
            num_train_epochs=asked.epochs,
            learning_rate=5e-5,
            use_cpu=not torch.cuda.is_available(),
            **best,
        ),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        data_collator=None if asked.best else default_data_collator,
        processing_class=tokenizer,
        compute_metrics=lambda found: {"accuracy": float(np.mean(found.predictions.argmax(1) == found.label_ids))},
    )
    trainer.train()
    trainer.save_model()
    metrics = trainer.evaluate()
    Path(asked.folder, "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    print(metrics["eval_accuracy"])


if __name__ == "__main__":
    main()
