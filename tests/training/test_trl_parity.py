"""TRL's SFTTrainer beside ours: it learns the same tokens, loses the same at each step, and comes to the same weights.

Ours is taken for its checkpoints, its resumption and its exact figures; this shows that nothing else is another.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trl
from datasets import Dataset
from instruct_script import ROOM, curve, make_trainer
from instruct_tiny import MARKED_TEMPLATE, conversation, example, make_decoder_tokenizer, make_gpt2

from genai_hf.data.wording import Wording
from genai_hf.encoding.chat import ChatEncoder
from genai_hf.encoding.prompts import PromptEncoder

EPOCHS, ROWS = 3, 64  # whole steps of 16


class InOrder(trl.SFTTrainer):
    """Takes rows in the order in which they are given, which is all that is changed."""

    def _get_train_sampler(self, *given: Any) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset)


def make_theirs(folder: Path, rows: dict[str, Any], tokenizer: Any, **given: Any) -> trl.SFTTrainer:
    args = trl.SFTConfig(
        output_dir=str(folder),
        max_grad_norm=1e9,
        logging_steps=1,
        save_strategy="no",
        activation_checkpointing=False,
        bf16=False,
        use_cpu=True,
        disable_tqdm=True,
        seed=0,
        **given,
    )
    model = make_gpt2(dtype=torch.float32)
    return InOrder(model=model, args=args, train_dataset=Dataset.from_dict(rows), processing_class=tokenizer)


@pytest.mark.parametrize(
    ("accumulation", "optim"),
    [(1, "adamw_torch"), pytest.param(1, "sgd", marks=pytest.mark.slow), (4, "sgd")],
)
@torch.no_grad()
def test_every_step_has_the_same_loss_and_the_weights_end_the_same(tmp_path, accumulation, optim):
    cut = {"accumulation": accumulation, "optim": optim, "epochs": EPOCHS, "rows": ROWS}
    with torch.enable_grad():
        ours = make_trainer(tmp_path, room=ROOM, **cut)
        losses, batches = curve(ours)["losses"], ours.get_train_dataloader().batch_sampler
    rows = []
    for epoch in range(EPOCHS):
        batches.epoch = epoch
        rows += [ours.train_dataset[int(number)] for number in batches.order()]
    told = {
        "input_ids": [row["input_ids"].tolist() for row in rows],
        "completion_mask": [row["learnt"].astype(int).tolist() for row in rows],
    }
    same = {"optim": optim, "learning_rate": ours.args.learning_rate, "gradient_accumulation_steps": accumulation}
    same |= {"per_device_train_batch_size": 16 // accumulation, "num_train_epochs": 1}
    with torch.enable_grad():
        theirs = make_theirs(tmp_path, told, make_decoder_tokenizer(), completion_only_loss=True, **same)
        theirs.train()
    found = [entry["loss"] for entry in theirs.state.log_history if "loss" in entry]
    assert len(losses) == EPOCHS * ROWS // 16
    assert found == pytest.approx(losses, rel=1e-5)
    assert losses[-1] < losses[0] - 0.05
    if optim == "sgd":  # Adam makes steps of the rounding where a gradient is nothing else, as that of keys' biases is
        start, weights = dict(make_gpt2(dtype=torch.float32).named_parameters()), dict(ours.model.named_parameters())
        for name, other in theirs.model.named_parameters():
            moved = float((weights[name] - start[name]).norm())
            assert float((weights[name] - other).norm()) < 1e-4 * moved, name


def test_of_prompts_and_responses_it_learns_the_same_tokens(tmp_path):
    tokenizer, wording = make_decoder_tokenizer(), Wording(wording="tk_instruct", positive=1)
    examples = [example("the cat", "meow"), example("the dog", "woof, I say"), example("the owl", "12 (hoot)")]
    encoder = PromptEncoder(tokenizer=tokenizer, wording=wording, length=1000)
    ours = [encoder(one) for one in examples]
    prompts = ["".join(part.text for part in wording(one.instruction, one.input)) for one in examples]
    told = {"prompt": [text.rstrip() for text in prompts], "completion": [f" {one.references[0]}" for one in examples]}
    theirs = make_theirs(tmp_path, told, tokenizer, completion_only_loss=True)
    assert [row["input_ids"] for row in theirs.train_dataset] == [one.ids for one in ours]
    assert [row["labels"] for row in theirs.train_dataset] == [
        np.where(one.learnt, one.ids, -100).tolist() for one in ours
    ]


def test_of_conversations_it_learns_the_same_tokens(tmp_path):
    tokenizer = make_decoder_tokenizer(MARKED_TEMPLATE)
    chats = [conversation("the cat?", "meow", "and?", "woof"), conversation("the owl?", "hoot", system="say it")]
    ours = [ChatEncoder(tokenizer=tokenizer, length=1000)(one) for one in chats]
    theirs = make_theirs(
        tmp_path, {"messages": [[*one.messages] for one in chats]}, tokenizer, assistant_only_loss=True
    )
    for row, one in zip(theirs.train_dataset, ours, strict=True):
        kept = len(one.ids)  # what follows the last answer is left out here
        assert row["input_ids"][:kept] == one.ids
        assert row["labels"] == np.where(one.learnt, one.ids, -100).tolist() + [-100] * (len(row["labels"]) - kept)
