"""GPT-1's fine-tuning: the time of two padded passes for the work of our one pass, in turns in one process.

    python benchmarks/extract.py [--task rte --data GLUE_FOLDER] [--model FOLDER] [--rows 512] [--length 128] …

Five arms train the same decoder with a head at [EXTRACT] on the same rows, both losses, one epoch of AdamW, in turns
(A … E, E … A). All take the same rows in the same steps, in which rows of like length come together. The first
four are a stock transformers.Trainer whose `compute_loss` is written as usual:

defaults     a forward pass for the labels, read at each sequence's last token, and another with the vocabulary head
             over all positions for the language model's loss; float32, every sequence padded to --length
padded       the same in bf16 where the hardware has it, as all that follow
best flags   as padded, but sequences padded to the longest of their batch
one pass     as best flags, with both losses from one pass
ours         genai_hf's Trainer and all else as the recipe gpt_extract builds them: one pass, the vocabulary head only
             where a token follows

Without --data the task is made of Python's documentation, out of which four packages are offered for a paragraph, and
without --model the decoder is an untrained GPT-2 of --layers of --width. The losses are added with the recipe's weight,
0.5; the language model's is a mean over tokens in all arms (auxiliary.per=token), as transformers has it, and the head
has no dropout, which each arm would draw anew. Tokens are real ones. The loss of held-out rows, in float32, stands
beside, and a difference of more than 2 % is an error.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

import arms
import torch
import transformers
from torch import Tensor

from genai_hf.collators.extract import ExtractCollator
from genai_hf.models.extract import NAME
from genai_hf.models.precision import has_bf16
from genai_hf.objectives.extract import by_choice
from genai_hf.training import Trainer
from genai_hf.training.batches import TrainingBatches

HELD_OUT = 64  # rows
ALIKE = 0.02  # relative difference of losses


class Stock(transformers.Trainer):
    """The stock Trainer with both losses, by one pass or two, which takes rows in the order in which they are given."""

    def __init__(self, *, passes: int, objective: Any, **given: Any) -> None:
        super().__init__(**given)
        self.passes, self.objective = passes, objective

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any) -> Any:
        """Cross-entropy of the labels, and of every token but the first."""
        read = {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"]}
        told = read["input_ids"].masked_fill(read["attention_mask"] == 0, -100)
        whole = model(**read, labels=told, use_cache=False, output_hidden_states=self.passes == 1)
        if self.passes == 1:
            states = whole.hidden_states[-1]
        else:
            states = model.get_decoder()(**read, use_cache=False).last_hidden_state
        outputs = model.get_submodule(NAME)(states.flatten(0, 1)[inputs["extract_positions"]], inputs["sequences"])
        if self.objective.transformation == "multiple_choice":
            outputs = by_choice(outputs[:, 0], inputs["sequences"], len(self.objective.labelling.names))
        label = self.objective.labelling.loss(outputs, inputs["labels"]) / len(inputs["labels"])
        return label + self.objective.weight * whole.loss

    def _get_train_sampler(self, *given: Any) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset)


def padded(rows: Sequence[dict[str, Any]], collator: ExtractCollator, length: int) -> dict[str, Tensor]:
    """A batch in which every sequence has `length` tokens."""
    batch = collator(rows)
    width = batch["input_ids"].shape[1]
    for name in ("input_ids", "attention_mask"):
        batch[name] = torch.nn.functional.pad(batch[name], (0, length - width))
    batch["extract_positions"] += torch.arange(len(batch["input_ids"])) * (length - width)
    return batch


def arguments(folder: str, asked: argparse.Namespace, **given: Any) -> Any:
    """What all arms share."""
    shared = {"per_device_train_batch_size": asked.batch, "learning_rate": asked.rate, "num_train_epochs": 1}
    return arms.arguments(folder, logging_steps=500, remove_unused_columns=False, **shared, **given)


def stock(folder: str, built: Trainer, asked: argparse.Namespace, *, bf16: bool, pad: bool, passes: int = 2) -> Stock:
    """The stock Trainer; with `pad` every sequence is as long."""
    rows, collator = built.train_dataset, built.data_collator
    cut = {"accumulation": 1, "ranks": 1, "rank": 0, "lengths": rows.lengths}
    order = TrainingBatches(len(rows), seed=0, batch_size=asked.batch, **cut).order()
    return Stock(
        passes=passes,
        objective=built.objective,
        model=arms.as_shipped(built.model),
        args=arguments(folder, asked, bf16=bf16 and has_bf16()),
        train_dataset=[rows[number] for number in order.tolist()],
        data_collator=partial(padded, collator=collator, length=asked.length) if pad else collator,
    )


def ours(folder: str, built: Trainer, asked: argparse.Namespace) -> Trainer:
    """Our Trainer."""
    return Trainer(
        model=arms.quick(built.model),
        args=arguments(folder, asked, bf16=has_bf16(), logging_nan_inf_filter=False),
        objective=built.objective,
        train_dataset=built.train_dataset,
        data_collator=built.data_collator,
        group_by_length=True,
    )


@torch.no_grad()
def loss(trainer: Any, built: Trainer) -> dict[str, float]:
    """Loss of held-out rows in float32, and its part of the labels."""
    model, rows, objective = trainer.model.eval(), built.eval_dataset, built.objective
    batch = built.data_collator([rows[number] for number in range(min(len(rows), HELD_OUT))])
    batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
    counts = objective.count(batch)
    means = {term: float(total / counts[term]) for term, total in objective.sums(model, batch).items()}
    return {"loss": sum(objective.weights[term] * mean for term, mean in means.items()), "of labels": means["label"]}


def main() -> None:
    """Print a table and, as the last line, JSON."""
    sizes = {"layers": 4, "width": 256, "length": 128, "batch": 32, "rows": 512, "rounds": 2}
    parser = arms.parser(__doc__, **sizes)
    parser.add_argument("--task", default="python_docs_choice")
    parser.add_argument("--data")
    parser.add_argument("--model")
    parser.add_argument("--rate", type=float, default=1e-4)
    asked = arms.parse(parser)
    shape = [f"model.config.{key}={value}" for key, value in (("n_layer", asked.layers), ("n_embd", asked.width))]
    shape += [f"model.config.n_head={asked.width // 64}"]
    chosen = ["model=pretrained", f"model.name={asked.model}"] if asked.model else ["model=gpt2_tiny", *shape]
    given = [f"data.path={asked.data}"] if asked.data else []
    given += [f"task={asked.task}", f"data.max_train_rows={asked.rows}", f"sequence_length={asked.length}"]
    built = arms.built("gpt_extract", *given, *chosen, "auxiliary.per=token", "head.dropout=0.0")
    shared = {"built": built, "asked": asked}
    makers = {
        "defaults": partial(stock, bf16=False, pad=True, **shared),
        "padded": partial(stock, bf16=True, pad=True, **shared),
        "best flags": partial(stock, bf16=True, pad=False, **shared),
        "one pass": partial(stock, bf16=True, pad=False, passes=1, **shared),
        "ours": partial(ours, **shared),
    }
    turns = {name: partial(arms.train, make, partial(loss, built=built)) for name, make in makers.items()}
    found = arms.in_turns(turns, asked.rounds)
    rows = built.train_dataset
    print(arms.table(found, tokens=sum(int(rows[number]["lengths"].sum()) for number in range(len(rows)))))
    print(arms.as_json(asked, found))
    arms.require_alike(found, ALIKE)


if __name__ == "__main__":
    arms.run(main)
