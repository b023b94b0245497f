"""Masked language modelling by transformers and datasets alone, for whole processes: no code of this project.

    python benchmarks/stock_mlm.py TRAIN.txt VALIDATION.txt TOKENIZER FOLDER [--layers 4 --width 256] [--length 128] …

The steps are those of run_mlm.py with its defaults: texts tokenised a batch of lines at a time, put end to end and cut
into blocks, AdamW in float32 (`--bf16` says otherwise), an evaluation at the end, the model saved.
"""

import argparse
import json
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from transformers import BertConfig, BertForMaskedLM, DataCollatorForLanguageModeling

SIZES = {"layers": 4, "width": 256, "length": 128, "batch": 32, "steps": 200}


def blocks(files: dict[str, str], tokenizer: Any, length: int) -> Any:
    """Blocks of one length, as run_mlm.py makes them."""
    texts = datasets.load_dataset("text", data_files=files)
    tokens = texts.map(
        lambda rows: tokenizer(rows["text"], return_special_tokens_mask=True), batched=True, remove_columns=["text"]
    )

    def cut(rows: dict[str, list[list[int]]]) -> dict[str, list[list[int]]]:
        together = {name: list(chain.from_iterable(row)) for name, row in rows.items()}
        whole = len(together["input_ids"]) // length * length
        return {name: [row[at : at + length] for at in range(0, whole, length)] for name, row in together.items()}

    return tokens.map(cut, batched=True)


def main() -> None:
    """Train, evaluate, save; print the loss of the evaluation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "validation", "tokenizer", "folder"):
        parser.add_argument(name)
    for name, size in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--bf16", action="store_true")
    asked = parser.parse_args()
    transformers.set_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.tokenizer)
    tokenizer.model_max_length = int(1e9)  # whole lines, which are cut afterwards
    rows = blocks({"train": asked.train, "validation": asked.validation}, tokenizer, asked.length)
    sizes = {"num_hidden_layers": asked.layers, "hidden_size": asked.width, "intermediate_size": 4 * asked.width}
    trainer = transformers.Trainer(
        model=BertForMaskedLM(
            BertConfig(vocab_size=len(tokenizer), num_attention_heads=asked.width // 64, **sizes),
        ),
        args=transformers.TrainingArguments(
            asked.folder,
            per_device_train_batch_size=asked.batch,
            max_steps=asked.steps,
            learning_rate=asked.learning_rate,
            bf16=asked.bf16,
            use_cpu=not torch.cuda.is_available(),
        ),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        data_collator=DataCollatorForLanguageModeling(tokenizer),
        processing_class=tokenizer,
    )
    trainer.train()
    trainer.save_model()
    metrics = trainer.evaluate()
    Path(asked.folder, "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    print(metrics["eval_loss"])


if __name__ == "__main__":
    main()
