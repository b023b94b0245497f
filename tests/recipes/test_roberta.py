"""RoBERTa is bert_mlm with other values: on bytes, with its own positions, with whole words where they are wanted."""

import json

import numpy as np
import pytest
import torch
from test_recipes import OWN, root, text  # noqa: F401

import genai_hf
from genai_hf import cli

WORDS = [word for word in OWN["bert_mlm"] if not word.startswith("model.")]
NARROW = ["model.config.hidden_size=32", "model.config.intermediate_size=64", "tokenizer.vocab_size=300"]


def composed(text, *more):  # noqa: F811
    return genai_hf.compose("bert_mlm", [text, *WORDS, "experiment=roberta", *NARROW, "trainer.max_steps=4", *more])


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param([], marks=pytest.mark.slow),
        pytest.param(["masking.unit=word"], marks=pytest.mark.slow),
        ["masking.unit=span", "masking.selection=exact"],
    ],
)
def test_it_learns_on_bytes_with_any_unit(text, root, unit):  # noqa: F811
    metrics = genai_hf.run(composed(text, *unit, "run=r"))
    assert 0 < metrics["eval_loss"] < 6
    (folder,) = (root / "bert_mlm").iterdir()
    saved = json.loads((folder / "model" / "config.json").read_text())
    assert (saved["model_type"], saved["type_vocab_size"], saved["pad_token_id"]) == ("roberta", 1, 1)
    norms = [json.loads(line).get("grad_norm") for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert any(norms)


def test_a_whole_word_on_bytes_is_its_space_and_all_that_follows(text, root):  # noqa: F811
    trainer = genai_hf.build(composed(text, "masking.unit=word", "masking.probability=0.4"))
    tokenizer, batch = trainer.processing_class, trainer.data_collator([trainer.train_dataset[0, 3]])
    row, labels = trainer.train_dataset[0, 3], batch["labels"][0].numpy()
    starts = np.flatnonzero(row["word_starts"])
    assert len(starts) < len(labels)
    for first, last in zip(starts, [*starts[1:], len(labels)], strict=True):
        assert len(set(labels[first:last] != -100)) == 1
        assert " " not in tokenizer.decode(row["input_ids"][first:last]).strip()


def test_positions_are_counted_from_the_paddings_id(text, root, capsys):  # noqa: F811
    trainer = genai_hf.build(composed(text, "sequence_length=512"))
    ids = torch.from_numpy(trainer.train_dataset[0, 0]["input_ids"])[None]
    seen = list[torch.Tensor]()
    embedding = trainer.model.roberta.embeddings.position_embeddings
    embedding.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    trainer.model(input_ids=ids)
    assert seen[0].tolist() == [list(range(2, 514))]
    words = [text, *WORDS, "experiment=roberta", *NARROW, "sequence_length=513"]
    assert cli.main(["bert_mlm", *words]) == 2
    assert "'sequence_length': 513 exceeds the model's 512 positions; lower it" in capsys.readouterr().err


def test_a_model_of_two_token_types_learns_both_and_one_of_one_gets_none(text, root):  # noqa: F811
    rows = [(0, number) for number in range(8)]
    bert = genai_hf.build(genai_hf.compose("bert_mlm", [text, *OWN["bert_mlm"], "second_text=1", "precision=fp32"]))
    batch = bert.data_collator([bert.train_dataset[row] for row in rows])
    bert.model(
        **{name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids", "labels")}
    ).loss.backward()
    first, second = bert.model.bert.embeddings.token_type_embeddings.weight.grad.norm(dim=1).tolist()
    assert first > 0
    assert second > 0
    assert not bert.data_collator([bert.eval_dataset[-1, 0]])["token_type_ids"].any()
    roberta = genai_hf.build(composed(text))
    assert "token_type_ids" not in roberta.data_collator([roberta.train_dataset[row] for row in rows])
