"""What comes of data files in the stock way: no code of ours is in this process, and bad_data.py starts it.

`datasets.load_dataset`, then tokenizer and labels as in Hugging Face's run_mlm.py (--line_by_line) and run_glue.py,
then `transformers.Trainer` for an epoch, of more than 1,000 rows for a step.
"""

import contextlib
import io
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

SIZE = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
KINDS = {".txt": "text", ".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}
MANY = 1000  # rows, of more of which a step is trained and no epoch


def attempt(function: Callable[[], int | None], folder: Path) -> dict[str, Any]:
    """Call a function in a folder: its exit code, what is said, how long it takes."""
    said, began, worked = io.StringIO(), time.perf_counter(), time.process_time()
    with contextlib.chdir(folder), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = function() or 0
        except Exception:  # noqa: BLE001 - whatever it is, it ends the command
            code = 1
            traceback.print_exc()
    seconds = {"seconds": time.perf_counter() - began, "of the processor": time.process_time() - worked}
    return {"code": code, "lines": said.getvalue().splitlines(), **seconds}


def stock(files: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """What comes of each file."""
    import datasets
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    datasets.disable_progress_bars()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({piece: n for n, piece in enumerate([*special, *letters])}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), special, strict=True))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{role}_token": token for role, token in names.items()}
    )
    ways = {"mlm": masked, "glue": labelled}
    return [attempt(partial(ways[file["way"]], tokenizer, file["path"]), Path(file["folder"])) for file in files]


def loaded(path: str) -> Any:
    """As both scripts load a training file."""
    from datasets import load_dataset

    ending = Path(path.removesuffix(".gz")).suffix
    return load_dataset(KINDS.get(ending, "text"), data_files={"train": path}, cache_dir="stock")["train"]


def masked(tokenizer: Any, path: str) -> None:
    """run_mlm.py --line_by_line."""
    from transformers import BertConfig, BertForMaskedLM, DataCollatorForLanguageModeling

    raw = loaded(path)
    text = "text" if "text" in raw.column_names else raw.column_names[0]

    def tokenized(examples: Any) -> Any:
        lines = [line for line in examples[text] if len(line) > 0 and not line.isspace()]
        return tokenizer(lines, padding=False, truncation=True, max_length=64, return_special_tokens_mask=True)

    rows = raw.map(tokenized, batched=True, remove_columns=raw.column_names)
    model = BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), **SIZE))
    trained(model, rows, data_collator=DataCollatorForLanguageModeling(tokenizer=tokenizer))


def labelled(tokenizer: Any, path: str) -> None:
    """run_glue.py with a training file of one's own."""
    from transformers import BertConfig, BertForSequenceClassification, default_data_collator

    raw = loaded(path)
    if "score" in raw.column_names:  # the script has no setting for it; its reader is told to rename the column
        raw = raw.rename_column("score", "label")
    is_regression = raw.features["label"].dtype in ["float32", "float64"]
    labels = [] if is_regression else sorted(raw.unique("label"))
    numbers = {label: number for number, label in enumerate(labels)}
    first, *second = [name for name in raw.column_names if name != "label"][:2]

    def tokenized(examples: Any) -> Any:
        texts = [examples[name] for name in (first, *second)]
        result = tokenizer(*texts, padding="max_length", max_length=64, truncation=True)
        # The script says "label", whose numbers today's datasets writes into a column of text as text again.
        given = examples["label"]
        result["labels"] = given if is_regression else [(numbers[one] if one != -1 else -1) for one in given]
        return result

    rows = raw.map(tokenized, batched=True, remove_columns=raw.column_names)
    config = BertConfig(vocab_size=len(tokenizer), num_labels=1 if is_regression else len(labels), **SIZE)
    trained(BertForSequenceClassification(config), rows, data_collator=default_data_collator)


def trained(model: Any, rows: Any, **more: Any) -> None:
    """Train as it comes."""
    from transformers import Trainer, TrainingArguments

    steps = {"max_steps": 1} if len(rows) > MANY else {"num_train_epochs": 1}
    arguments = TrainingArguments(output_dir="stock", use_cpu=True, disable_tqdm=True, save_strategy="no", **steps)
    Trainer(model=model, args=arguments, train_dataset=rows, **more).train()


if __name__ == "__main__":
    print(json.dumps(stock(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
