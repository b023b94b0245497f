"""GLUE's own folder in miniature, and checkpoints whose answers can be read off the texts."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

ROWS = 40  # of a training or validation file
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SAYS = ["alpha", "beta", "gamma"]  # a text with the k-th of them has label k of three, k mod 2 of two
WORDS = [*SPECIAL, *SAYS, "the", "a", "cat", "dog", "sleeps", "eats", "runs", "in", "house", "here", "there"]
TEXTS = [
    ("the cat sleeps in the house", "alpha a cat sleeps", 0),
    ("the dog eats here", "beta the dog runs there", 1),
    ("a cat runs in the house", "gamma a dog runs", 2),
    ("a dog sleeps there", "beta a cat sleeps", 1),
]
TWO, THREE = ["entailment", "not_entailment"], ["entailment", "neutral", "contradiction"]
NAMES = {
    "cola": ["unacceptable", "acceptable"],
    "sst2": ["negative", "positive"],
    "mrpc": ["not_equivalent", "equivalent"],
    "stsb": [],
    "qqp": ["not_duplicate", "duplicate"],
    "mnli": THREE,
    "qnli": TWO,
    "rte": TWO,
    "wnli": ["not_entailment", "entailment"],
}
MRPC = ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"]
STSB = ["index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2"]
MNLI = ["index", "promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse"]
MNLI += ["sentence1_parse", "sentence2_parse", "sentence1", "sentence2"]
VOTES = [f"label{vote}" for vote in range(1, 6)]
Rows = list[tuple[object, ...]]

SMALL = [
    "sequence_length=32",
    "trainer.use_cpu=true",
    "precision=fp32",
]
UNTRAINED = [
    *SMALL,
    "model.config.hidden_size=32",
    "model.config.intermediate_size=64",
    "model.config.num_hidden_layers=1",
    "tokenizer.vocab_size=200",
    "tokenizer.multiple_of=1",
]
SCORED = [*SMALL, "model=pretrained", "trainer.num_train_epochs=0"]  # a checkpoint as it is


def put(file: Path, header: Sequence[str] | None, rows: Rows) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [*([header] if header else []), *rows]
    file.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines), encoding="utf-8")


def write_glue(folder: Path) -> Path:
    """All nine tasks and the diagnostic set as their zips unpack, with four rows in each test file."""
    known = [(n, f"{one} {n}", f"{two} {n}", says) for n in range(ROWS) for one, two, says in [TEXTS[n % 4]]]
    for part in ("train", "dev"):
        put(folder / f"CoLA/{part}.tsv", None, [("gj04", k % 2, "*", two) for _, _, two, k in known])
        put(folder / f"SST-2/{part}.tsv", ["sentence", "label"], [(two, k % 2) for _, _, two, k in known])
        put(folder / f"MRPC/{part}.tsv", ["\ufeffQuality", *MRPC[1:]], [(k % 2, 7, 9, *t) for _, *t, k in known])
        put(folder / f"STS-B/{part}.tsv", [*STSB, "score"], [(*stsb(n, *t), [5, 0, 2.5][k]) for n, *t, k in known])
        qqp = ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"]
        put(folder / f"QQP/{part}.tsv", qqp, [(n, n, n, *t, k % 2) for n, *t, k in known])
        for name, columns in (("QNLI", ["question", "sentence"]), ("RTE", ["sentence1", "sentence2"])):
            put(folder / f"{name}/{part}.tsv", ["index", *columns, "label"], [(*t, TWO[k % 2]) for *t, k in known])
        put(folder / f"WNLI/{part}.tsv", ["index", "sentence1", "sentence2", "label"], [(*t, k % 2) for *t, k in known])
    votes = [(*mnli(n, *t), *[THREE[k]] * 6) for n, *t, k in known]
    put(folder / "MNLI/train.tsv", [*MNLI, "label1", "gold_label"], [row[: len(MNLI) + 2] for row in votes])
    for kind in ("matched", "mismatched"):
        put(folder / f"MNLI/dev_{kind}.tsv", [*MNLI, *VOTES, "gold_label"], votes)
    _write_tests(folder)
    return folder


def _write_tests(folder: Path) -> None:
    texts = [(one, two) for one, two, _ in TEXTS]
    numbered = [(n, *t) for n, t in enumerate(texts)]
    put(folder / "CoLA/test.tsv", ["index", "sentence"], [(n, two) for n, _, two in numbered])
    put(folder / "SST-2/test.tsv", ["index", "sentence"], [(n, two) for n, _, two in numbered])
    put(folder / "MRPC/test.tsv", ["\ufeffindex", *MRPC[1:]], [(n, 7, 9, *t) for n, *t in numbered])
    put(folder / "STS-B/test.tsv", STSB, [stsb(*row) for row in numbered])
    put(folder / "QQP/test.tsv", ["id", "question1", "question2"], numbered)
    put(folder / "QNLI/test.tsv", ["index", "question", "sentence"], numbered)
    for name in ("RTE", "WNLI"):
        put(folder / f"{name}/test.tsv", ["index", "sentence1", "sentence2"], numbered)
    put(folder / "MNLI/test_matched.tsv", MNLI, [mnli(*row) for row in numbered])
    put(folder / "MNLI/test_mismatched.tsv", MNLI, [mnli(n, *texts[3 - n]) for n in range(4)])
    diagnostic = [(n, *texts[place]) for n, place in enumerate([2, 2, 0, 1])]
    put(folder / "diagnostic/diagnostic.tsv", ["index", "sentence1", "sentence2"], diagnostic)


def stsb(number: object, one: object, two: object) -> tuple[object, ...]:
    return (number, "main-news", "headlines", "2012test", number, "none", "none", one, two)


def mnli(number: object, one: object, two: object) -> tuple[object, ...]:
    return (number, number, f"{number}n", "slate", "( a )", "( b )", "(ROOT)", "(ROOT)", one, two)


def knowing(folder: Path, names: Sequence[str], *, called: Sequence[str] = ()) -> str:
    """A checkpoint that answers with the label that a text says; a regression says 16.2, -10.8 and 2.718.

    Attention is a mean over the text, so the state of [CLS] is the word that says the label, normalised: 2.646 at the
    word's own place and -0.378 at the seven others.

    Args:
        folder: Where it is saved, with its tokenizer.
        names: Of the labels that the words stand for, in that order; none for a regression.
        called: What the outputs are called, in their order, if not by `names`; a name that is one of `names` moves
            with its weights.
    """
    labels = list(called or names) or ["value"]
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=64, id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)},
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, problem_type=None,
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    state = {key: torch.zeros_like(value) for key, value in model.state_dict().items()}
    for key, value in state.items():
        if key.endswith("LayerNorm.weight"):
            value.fill_(1.0)
    layer = "bert.encoder.layer.0.attention"
    for key in (f"{layer}.self.value.weight", f"{layer}.output.dense.weight", "bert.pooler.dense.weight"):
        state[key].copy_(torch.eye(8))
    for place, word in enumerate(SAYS):
        state["bert.embeddings.word_embeddings.weight"][WORDS.index(word), place] = 1.0
    state["classifier.weight"].copy_(_head(list(names), labels))
    state["classifier.bias"].fill_(0.0 if names else 2.718)
    model.load_state_dict(state)
    model.save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    return f"model.name={folder}"


def _head(names: list[str], labels: list[str]) -> torch.Tensor:
    """(labels, 8): the row of a label holds 1 at the places of its words."""
    head = torch.zeros(len(labels), 8)
    if not names:
        head[0, :2] = torch.tensor([10.0, -10.0])
    written = [label.casefold().replace("-", "_") for label in labels]
    for word in range(len(SAYS) if names else 0):
        name = names[word % len(names)]
        head[written.index(name) if name in written else word % len(names), word] = 1.0
    return head


def word_tokenizer() -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{role}_token": token for role, token in names.items()}
    )
