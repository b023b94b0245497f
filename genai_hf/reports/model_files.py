"""What lies in the folder of a saved model: its architecture, its size, and the class that loads it again."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# End of an architecture's name: the Hub's task, and the class that loads it.
HEADS = {
    "ForMaskedLM": ("fill-mask", "AutoModelForMaskedLM"),
    "ForCausalLM": ("text-generation", "AutoModelForCausalLM"),
    "LMHeadModel": ("text-generation", "AutoModelForCausalLM"),
    "ForConditionalGeneration": ("", "AutoModelForSeq2SeqLM"),
    "ForSequenceClassification": ("text-classification", "AutoModelForSequenceClassification"),
    "ForTokenClassification": ("token-classification", "AutoModelForTokenClassification"),
    "ForQuestionAnswering": ("question-answering", "AutoModelForQuestionAnswering"),
    "ForMultipleChoice": ("multiple-choice", "AutoModelForMultipleChoice"),
    "ForPreTraining": ("", "AutoModelForPreTraining"),
    "ForNextSentencePrediction": ("", "AutoModelForNextSentencePrediction"),
}


@dataclass(frozen=True)
class Saved:
    """A saved model.

    Args:
        architecture: Class of the model, or kind of the adapter; empty where only a tokenizer was saved.
        library: Package of `loader`, as the Hub names it.
        loader: Class whose ``from_pretrained`` reads the folder, or an adapter's base; empty where there is a tokenizer
            only.
        task: The Hub's name of what the model does; empty where it has none.
        base: What an adapter sits on; empty where it is no adapter.
        revision: Commit of the Hub that the latter is of; empty where it is of a folder.
        parameters: Numbers stored, tied ones once.
        has_tokenizer: Whether a tokenizer lies beside it.
        packing: What quantised its weights, as transformers names it; empty where nothing did.
    """

    architecture: str = ""
    library: str = "transformers"
    loader: str = ""
    task: str = ""
    base: str = ""
    revision: str = ""
    parameters: int = 0
    has_tokenizer: bool = False
    packing: str = ""

    def describe(self) -> str:
        """What it is, in a sentence."""
        if not self.architecture:
            return "A tokenizer." if self.has_tokenizer else "An empty folder."
        kind = f"{self.architecture} adapter of {self.base}" if self.base else self.architecture
        if self.packing:  # how many numbers were packed is not to be seen
            return f"{kind}, its weights quantised ({self.packing})."
        return f"{kind}, {_millions(self.parameters)} parameters." if self.parameters else f"{kind}."


def read_saved(folder: Path) -> Saved:
    """What lies in the folder of a model; a file that is not there is one fact less."""
    config, adapter = _json(folder / "config.json"), _json(folder / "adapter_config.json")
    has_tokenizer, parameters = (folder / "tokenizer_config.json").is_file(), _parameters(folder)
    if not config and not adapter:
        return Saved(has_tokenizer=has_tokenizer)
    architecture = str(next(iter(config.get("architectures") or []), config.get("model_type") or "A model"))
    heads = (found for end, found in HEADS.items() if architecture.endswith(end))
    task, loader = next(heads, ("", "AutoModel"))
    if adapter:
        kind, base = str(adapter.get("peft_type") or "PEFT"), str(adapter.get("base_model_name_or_path") or "its base")
        if base.startswith(("/", ".", "~")):  # no folder of the machine of the run
            base = Path(base).parent.name if Path(base).name == "model" else Path(base).name
        return Saved(kind, "peft", loader, task, base, str(adapter.get("revision") or ""), parameters, has_tokenizer)
    packing = str(config.get("quantization_config", {}).get("quant_method", ""))
    return Saved(architecture, "transformers", loader, task, "", "", parameters, has_tokenizer, packing)


def _parameters(folder: Path) -> int:
    from safetensors import safe_open

    count = 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="numpy") as tensors:
            count += sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    return count


def _json(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


def _millions(count: int) -> str:
    return f"{count / 1e6:,.1f} million" if count >= 1e6 else f"{count:,}"
