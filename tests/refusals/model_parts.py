"""Files of tiny models, their tokenizers and the runs that left them, as bytes: nothing is loaded to make them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors.numpy import load, save
from tokenizers import Tokenizer, models, pre_tokenizers, processors

Files = dict[str, str | bytes]

WIDTH, VOCABULARY, POSITIONS = 8, 64, 32
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [f"w{number}" for number in range(VOCABULARY - len(SPECIAL))]
BERT = {
    "architectures": ["BertForMaskedLM"],
    "model_type": "bert",
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "intermediate_size": WIDTH,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": POSITIONS,
}
GPT2 = {
    "architectures": ["GPT2LMHeadModel"],
    "model_type": "gpt2",
    "vocab_size": VOCABULARY,
    "n_embd": WIDTH,
    "n_layer": 1,
    "n_head": 2,
    "n_positions": POSITIONS,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
TEXTS: Files = {
    f"text/{number:02}.txt": "".join(f"w{(number * line + line) % 59} w{line} w{number}\n" for line in range(1, 13))
    for number in range(24)
}


def bert(layers: int = 1, words: int = VOCABULARY, **changes: Any) -> Files:
    """A BERT for masked words in the folder ``model``; `changes` are fields of its config.json, None takes one away."""
    shapes = {"embeddings.word_embeddings.weight": (words, WIDTH)}
    shapes |= {"embeddings.position_embeddings.weight": (POSITIONS, WIDTH)}
    shapes |= {"embeddings.token_type_embeddings.weight": (2, WIDTH), **_norm("embeddings.LayerNorm")}
    for number in range(layers):
        layer = f"encoder.layer.{number}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes |= _linear(f"{layer}.{part}")
        shapes |= {**_linear(f"{layer}.intermediate.dense"), **_linear(f"{layer}.output.dense")}
        shapes |= {**_norm(f"{layer}.attention.output.LayerNorm"), **_norm(f"{layer}.output.LayerNorm")}
    shapes = {f"bert.{name}": shape for name, shape in shapes.items()} | {"cls.predictions.bias": (words,)}
    head = "cls.predictions.transform"
    return _folder(
        BERT | {"vocab_size": words} | changes, shapes | _linear(f"{head}.dense") | _norm(f"{head}.LayerNorm")
    )


def gpt2(**changes: Any) -> Files:
    """A GPT-2 in the folder ``model``."""
    shapes = {"wte.weight": (VOCABULARY, WIDTH), "wpe.weight": (POSITIONS, WIDTH), **_norm("ln_f")}
    shapes |= {**_norm("h.0.ln_1"), **_norm("h.0.ln_2"), "h.0.attn.c_attn.weight": (WIDTH, 3 * WIDTH)}
    shapes |= {"h.0.attn.c_attn.bias": (3 * WIDTH,), **_linear("h.0.attn.c_proj"), "h.0.mlp.c_fc.bias": (4 * WIDTH,)}
    shapes |= {"h.0.mlp.c_fc.weight": (WIDTH, 4 * WIDTH), "h.0.mlp.c_proj.weight": (4 * WIDTH, WIDTH)}
    shapes |= {"h.0.mlp.c_proj.bias": (WIDTH,)}
    return _folder(GPT2 | changes, {f"transformer.{name}": shape for name, shape in shapes.items()})


def adapter(base: str = "base", **changes: Any) -> Files:
    """A LoRA of rank 1 on that GPT-2 in the folder ``model``, as a run leaves it."""
    where = "base_model.model.transformer.h.0.attn.c_attn"
    weights = {f"{where}.lora_A.weight": (1, WIDTH), f"{where}.lora_B.weight": (3 * WIDTH, 1)}
    settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "r": 1, "lora_alpha": 1}
    settings |= {"target_modules": ["c_attn"], "fan_in_fan_out": True, "inference_mode": True, **changes}
    left = without(gpt2(), "model/model.safetensors")
    return left | {"model/adapter_config.json": json.dumps(settings), "model/adapter_model.safetensors": _save(weights)}


def run(files: Files, *, finished: bool = True, recipe: str = "gpt_lm") -> Files:
    """Those files as the model of a run in the folder ``run``, with their manifest."""
    model = {name: content for name, content in files.items() if name.startswith("model/")}
    digests = {name.removeprefix("model/"): _digest(content) for name, content in sorted(model.items())}
    facts: Files = {
        "run/fingerprint.json": json.dumps({"versions": {}, "files": {}}),
        "run/settings.json": "{}",
        "run/config.yaml": json.dumps({"recipe": recipe, "task": {}, "decoding": {}, "sequence_length": 8}),
        "run/model/manifest.json": json.dumps(digests, indent=1) + "\n",
    }
    ended: Files = {"run/metrics.json": "{}"} if finished else {}
    others = {name: content for name, content in files.items() if name not in model}
    return {f"run/{name}": content for name, content in model.items()} | facts | ended | others


def without(files: Mapping[str, str | bytes], *names: str) -> Files:
    """All files but these."""
    return {name: content for name, content in files.items() if name not in names}


def with_weights(files: Files, **changes: Any) -> Files:
    """The same with other tensors (dots as two underscores): an array, a shape, or None for none."""
    file = next(name for name in files if name.endswith(".safetensors"))
    tensors = load(bytes(files[file]))  # type: ignore[arg-type]
    for name, change in ((name.replace("__", "."), change) for name, change in changes.items()):
        tensors.pop(name, None)
        if change is not None:
            tensors[name] = np.zeros(change, np.float32) if isinstance(change, tuple) else change
    return files | {file: save(tensors, {"format": "pt"})}


def in_shards(files: Files, **changes: str) -> Files:
    """Those weights in two files with an index; `changes` names other files for the first two tensors of it."""
    tensors = load(bytes(files["model/model.safetensors"]))  # type: ignore[arg-type]
    names = [f"model-0000{1 + number % 2}-of-00002.safetensors" for number in range(len(tensors))]
    weight_map = dict(zip(sorted(tensors), names, strict=True))
    shards = {
        f"model/{name}": save({key: tensors[key] for key in tensors if weight_map[key] == name}, {"format": "pt"})
        for name in sorted(set(names))
    }
    for key, other in zip(sorted(tensors), changes.values(), strict=False):
        weight_map[key] = other
    index = {"metadata": {}, "weight_map": weight_map}
    whole = without(files, "model/model.safetensors")
    return whole | shards | {"model/model.safetensors.index.json": json.dumps(index)}


def flipped(content: str | bytes, place: int, bit: int = 0) -> bytes:
    """The same with another bit; a negative place counts from the end."""
    changed = bytearray(content.encode() if isinstance(content, str) else content)
    changed[place] ^= 1 << bit
    return bytes(changed)


def tokenizer(words: int = VOCABULARY, **config: Any) -> Files:
    """A tokenizer of so many words, five of them special, in the folder ``model``; `config` is of its own file."""
    known = [*SPECIAL, *(f"w{number}" for number in range(words - len(SPECIAL)))]
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(known)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]", "eos": "[SEP]"}
    given = {"tokenizer_class": "PreTrainedTokenizerFast"} | {f"{role}_token": token for role, token in names.items()}
    kept = {key: value for key, value in (given | config).items() if value is not None}
    return {"model/tokenizer.json": backend.to_str(), "model/tokenizer_config.json": json.dumps(kept)}


def _folder(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> Files:
    kept = {key: value for key, value in config.items() if value is not None}
    return {"model/config.json": json.dumps(kept), "model/model.safetensors": _save(shapes), **tokenizer()}


def _save(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    random = np.random.default_rng(0)
    tensors = {name: random.normal(0, 0.02, shape).astype(np.float32) for name, shape in shapes.items()}
    return save(tensors, {"format": "pt"})


def _linear(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (WIDTH, WIDTH), f"{name}.bias": (WIDTH,)}


def _norm(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}


def _digest(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


CONFIG, WEIGHTS, WORDS_FILE = "model/config.json", "model/model.safetensors", "model/tokenizer.json"
INDEX, TOKENIZER_CONFIG = "model/model.safetensors.index.json", "model/tokenizer_config.json"
PICKLE = b"\x80\x04]."  # of an empty list
GOOD, WRITER = bert() | TEXTS, gpt2()
UNTRAINED = ("bert_mlm", "data=text", "data.path=text", "sequence_length=16", "trainer.use_cpu=true")
TRAIN = (*UNTRAINED, "model=pretrained")
NAMED = (*TRAIN, "model.name=model")
