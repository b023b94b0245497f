"""The same wrong settings, given to the command and to the libraries by themselves: what is said, and after how long.

    python benchmarks/reliability/bad_settings.py

Each mistake is given twice, to processes of their own: to ``python -m genai_hf``, and to the class of transformers or
PEFT that owns the setting, with no code of ours: as run_mlm.py does it, by HfArgumentParser from the words of a command
line (words), or from keyword arguments (everything else); a model is made where sizes are wrong. What it prints
of a right setting too, such as that a kernel is not there, does not count. What stock says is
``silence`` (the exit code is 0 and nothing is printed), ``warning`` (it is 0), ``line`` (one line, at most three), or
``traceback`` or ``usage`` of so many lines. It prints one JSON object. MISTAKES=5 takes the first five.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

GIVEN = "import json, sys; given = json.loads(sys.argv[1])\n"
STOCK = {
    "words": "from transformers import HfArgumentParser, TrainingArguments\n"
    "HfArgumentParser(TrainingArguments).parse_args_into_dataclasses(['--output_dir=out', *given])",
    "arguments": "from transformers import TrainingArguments\nTrainingArguments(output_dir='out', **given)",
    "bert": "from transformers import BertConfig, BertForMaskedLM\nBertForMaskedLM(BertConfig(**given))",
    "gpt2": "from transformers import AutoConfig, AutoModelForCausalLM\n"
    "AutoModelForCausalLM.from_config(AutoConfig.for_model('gpt2', **given))",
    "architecture": "from transformers import AutoConfig\nAutoConfig.for_model(**given)",
    "bits": "from transformers import BitsAndBytesConfig\nBitsAndBytesConfig(**given)",
    "generation": "from transformers import GenerationConfig\nGenerationConfig(**given)",
    "lora": "from peft import LoraConfig\nLoraConfig(**given)",
    "prompt": "from peft import PromptTuningConfig\nPromptTuningConfig(**given)",
}
SIZES = {"num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 64}
BITS = "glue model=pretrained model.name=base peft=lora quantization=nf4 quantization."
LORA, WRITE = "glue model=pretrained model.name=base peft=lora peft.", "generate base hello generation."
RIGHT = {  # for what is printed whatever is given
    "words": [],
    "bert": SIZES,
    "gpt2": {"n_layer": 1, "n_embd": 64, "n_head": 2},
    "architecture": {"model_type": "bert"},
    "prompt": {"num_virtual_tokens": 1},
}
LINES = 3  # that are still an answer


class Mistake(NamedTuple):
    """One mistake: our words, and what is given to which of `STOCK`."""

    ours: str
    kind: str
    given: Any


MISTAKES = [
    Mistake("bert_mlm trainer.learnign_rate=1e-4", "words", ["--learnign_rate=1e-4"]),
    Mistake("bert_mlm trainer.learnign_rate=1e-4", "arguments", {"learnign_rate": 1e-4}),
    Mistake("bert_mlm trainer.learning_rate=fast", "words", ["--learning_rate=fast"]),
    Mistake("bert_mlm trainer.learning_rate=fast", "arguments", {"learning_rate": "fast"}),
    Mistake("bert_mlm trainer.learning_rate=-1", "words", ["--learning_rate=-1"]),
    Mistake("bert_mlm seed=-1", "words", ["--seed=-1"]),
    Mistake("bert_mlm seed=5000000000", "words", ["--seed=5000000000"]),
    Mistake("bert_mlm trainer.max_steps=1.5", "arguments", {"max_steps": 1.5}),
    Mistake("bert_mlm trainer.max_steps=-2", "words", ["--max_steps=-2"]),
    Mistake("bert_mlm trainer.per_device_train_batch_size=0", "words", ["--per_device_train_batch_size=0"]),
    Mistake("bert_mlm trainer.gradient_accumulation_steps=0", "words", ["--gradient_accumulation_steps=0"]),
    Mistake("bert_mlm trainer.adam_beta2=1.5", "words", ["--adam_beta2=1.5"]),
    Mistake("bert_mlm trainer.lr_scheduler_type=cosin", "arguments", {"lr_scheduler_type": "cosin"}),
    Mistake("bert_mlm trainer.optim=adamw_torhc", "arguments", {"optim": "adamw_torhc"}),
    Mistake("bert_mlm trainer.save_strategy=sometimes", "words", ["--save_strategy=sometimes"]),
    Mistake("bert_mlm trainer.save_steps=-5", "words", ["--save_steps=-5"]),
    Mistake(
        "bert_mlm trainer.load_best_model_at_end=true trainer.save_strategy=epoch",
        "words",
        ["--load_best_model_at_end", "--eval_strategy=steps", "--save_strategy=epoch"],
    ),
    Mistake("bert_mlm trainer.evaluation_strategy=steps", "arguments", {"evaluation_strategy": "steps"}),
    Mistake("bert_mlm model.config.num_hiden_layers=3", "bert", SIZES | {"num_hiden_layers": 3}),
    Mistake("bert_mlm model.config.hidden_size=wide", "bert", SIZES | {"hidden_size": "wide"}),
    Mistake("bert_mlm model.config.hidden_size=-8", "bert", SIZES | {"hidden_size": -8}),
    Mistake("bert_mlm model.config.hidden_size=0", "bert", SIZES | {"hidden_size": 0}),
    Mistake("bert_mlm model.config.num_hidden_layers=-1", "bert", SIZES | {"num_hidden_layers": -1}),
    Mistake("bert_mlm model.config.hidden_dropout_prob=1.5", "bert", SIZES | {"hidden_dropout_prob": 1.5}),
    Mistake("bert_mlm model.config.hidden_act=geluu", "bert", SIZES | {"hidden_act": "geluu"}),
    Mistake("bert_mlm model.config.initializer_range=-1", "bert", SIZES | {"initializer_range": -1.0}),
    Mistake("gpt_lm model.config.n_head=3", "gpt2", {"n_layer": 1, "n_embd": 64, "n_head": 3}),
    Mistake("gpt_lm model.config.n_layer=0", "gpt2", {"n_layer": 0, "n_embd": 64, "n_head": 2}),
    Mistake("bert_mlm model.architecture=brt", "architecture", {"model_type": "brt"}),
    Mistake(f"{BITS}load_in_4bits=true", "bits", {"load_in_4bits": True}),
    Mistake(f"{BITS}bnb_4bit_quant_type=nf5", "bits", {"load_in_4bit": True, "bnb_4bit_quant_type": "nf5"}),
    Mistake(
        f"{BITS}bnb_4bit_compute_dtype=float17", "bits", {"load_in_4bit": True, "bnb_4bit_compute_dtype": "float17"}
    ),
    Mistake(f"{BITS}load_in_8bit=true", "bits", {"load_in_4bit": True, "load_in_8bit": True}),
    Mistake(f"{LORA}lora_dropuot=0.1", "lora", {"lora_dropuot": 0.1}),
    Mistake(f"{LORA}r=eight", "lora", {"r": "eight"}),
    Mistake(f"{LORA}r=-1", "lora", {"r": -1}),
    Mistake(f"{LORA}lora_dropout=1.5", "lora", {"lora_dropout": 1.5}),
    Mistake(f"{LORA}bias=everything", "lora", {"bias": "everything"}),
    Mistake(f"{LORA}init_lora_weights=gausian", "lora", {"init_lora_weights": "gausian"}),
    Mistake(
        "glue model=pretrained model.name=base peft=prompt peft.num_virtual_tokens=0",
        "prompt",
        {"num_virtual_tokens": 0},
    ),
    Mistake(f"{WRITE}max_new_token=40", "generation", {"max_new_token": 40}),
    Mistake(f"{WRITE}max_new_tokens=ten", "generation", {"max_new_tokens": "ten"}),
    Mistake(f"{WRITE}max_new_tokens=-3", "generation", {"max_new_tokens": -3}),
    Mistake(f"{WRITE}num_beams=0", "generation", {"num_beams": 0}),
    Mistake(f"{WRITE}repetition_penalty=-1", "generation", {"repetition_penalty": -1.0}),
    Mistake(f"{WRITE}temperature=0.5", "generation", {"temperature": 0.5}),
    Mistake(f"{WRITE}top_p=1.5", "generation", {"do_sample": True, "top_p": 1.5}),
]


def answered(words: list[str], room: Path, besides: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What a process says but for lines that do not count, and the seconds from its start to its end."""
    began = time.perf_counter()
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "GENAI_HF_ROOT": "outputs"}
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, cwd=room, env=environment
    )
    seconds = time.perf_counter() - began
    said = [line for line in done.stderr.strip().splitlines() if line not in besides]
    return {"seconds": round(seconds, 2), "code": done.returncode, "lines": len(said), "said": said}


def outcome(answer: dict[str, Any]) -> str:
    """What kind of an answer it is."""
    if answer["code"] == 0:
        return "warning" if answer["lines"] else "silence"
    if any(line.startswith("Traceback") for line in answer["said"]):
        return "traceback"
    return "line" if answer["lines"] <= LINES else "usage"


def main() -> None:
    """Give every mistake to both."""
    chosen = MISTAKES[: int(os.environ.get("MISTAKES", len(MISTAKES)))]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        (room / "base").mkdir()
        (room / "base" / "config.json").write_text('{"model_type": "gpt2", "n_embd": 64, "n_layer": 1, "n_head": 2}')
        kinds = {mistake.kind for mistake in chosen}
        right = {kind: ["-c", GIVEN + STOCK[kind], json.dumps(RIGHT.get(kind, {}))] for kind in kinds}
        always = {kind: frozenset(answered(words, room)["said"]) for kind, words in right.items()}
        for mistake in chosen:
            ours = answered(["-m", "genai_hf", *mistake.ours.split()], room)
            stock = answered(["-c", GIVEN + STOCK[mistake.kind], json.dumps(mistake.given)], room, always[mistake.kind])
            given = {"ours": mistake.ours, "stock": f"{mistake.kind} {json.dumps(mistake.given)}"}
            rows.append({"given": given, "ours": ours | {"is": outcome(ours)}, "stock": stock | {"is": outcome(stock)}})
    summary = {
        who: {
            "answers": dict(Counter(row[who]["is"] for row in rows)),
            "exit codes": dict(Counter(row[who]["code"] for row in rows)),
            "most lines": max(row[who]["lines"] for row in rows),
            "median seconds": round(statistics.median(row[who]["seconds"] for row in rows), 2),
            "slowest seconds": max(row[who]["seconds"] for row in rows),
        }
        for who in ("ours", "stock")
    }
    print(json.dumps({"mistakes": len(rows), **summary, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
