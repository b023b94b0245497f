"""Without a network

What is named on the Hub, where nobody answers or `HF_HUB_OFFLINE=1` forbids to ask. Each answer comes within two
seconds, without another try, and before a library is loaded.
"""

from collections.abc import Sequence

from asking import Case

SILENT = "the Hub cannot be reached"
PRETRAINED = ("model=pretrained",)
NOT_HERE = (
    "'{key}': {name} is no folder here, was not downloaded before, and the Hub cannot be reached; "
    "where there is a network: hf download {name} --local-dir FOLDER; then {key}=FOLDER"
)


def _named(cause: str, key: str, *words: str, name: str = "owner/name") -> Case:
    return Case(cause=cause, words=[*words, f"{key}={name}"], said=NOT_HERE.format(key=key, name=name))


CASES: Sequence[Case] = [
    _named("A model on the Hub to go on with", "model.name", "bert_mlm", *PRETRAINED),
    _named("A model on the Hub without its owner's name", "model.name", "bert_mlm", *PRETRAINED, name="some-model"),
    _named("A model on the Hub for its sizes alone", "model.name", "gpt_lm", *PRETRAINED, "model.from_scratch=true"),
    _named("A model on the Hub to fine-tune", "model.name", "glue", "task=python_docs", *PRETRAINED),
    _named("A model on the Hub to instruct", "model.name", "instruct", *PRETRAINED),
    _named("A model on the Hub beside an adapter", "model.name", "bert_mlm", *PRETRAINED, "peft=lora"),
    _named("A tokenizer on the Hub", "tokenizer.name", "bert_mlm"),
    _named("A tokenizer on the Hub for a corpus", "tokenizer.name", "gpt_lm"),
    _named("A teacher on the Hub", "teacher.name", "distill", "of=bert_mlm"),
    _named("A model on the Hub to quantise", "model.name", "quantize"),
    Case(
        cause="A model to be sent to the Hub",
        words=["bert_mlm", "trainer.push_to_hub=true"],
        said="'trainer.push_to_hub' is not for setting; nothing is sent while a model trains; "
        "afterwards: hf upload OWNER/NAME RUN/model",
    ),
]  # fmt: skip
