"""Texts without padding beside padded ones: time of forward and backward passes, loss and gradient, in turns.

    python benchmarks/unpadded.py [--architecture bert] [--layers 4] [--width 256] [--rows 32] [--longest 128] …

Of encoders (bert, roberta, distilbert, electra, t5) the layers read real tokens alone, as `speed.unpadded=always` has
it; texts of decoders (gpt2, llama) stand one after another in one row, as `speed.documents=true` has it. On a GPU both
attend by torch's varlen_attn, but for T5. Weights are new, of float32, computed with in bfloat16 or with --exact in
float32; there is no dropout.

The loss is the mean squared difference of the real tokens' last states from random numbers. The run fails where it, or
the gradient of all weights together, is not that of padded rows, relatively: to 1e-6 with --exact, else to a fiftieth.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import arms
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, T5EncoderModel

from genai_hf.models import documents, on_cpu, unpadded
from genai_hf.objectives.language import inputs_of

PADDING = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)  # of a batch, about
VOCABULARY = 30_522
States = Callable[[Tensor, Tensor], Tensor]
DECODERS = ("gpt2", "llama")
NO_DROPOUT = (
    *("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "dropout_rate"),
    *("resid_pdrop", "embd_pdrop", "attn_pdrop"),
)


def main() -> None:
    """Print a table for each share of padding and, as the last line, JSON."""
    parser = arms.parser(__doc__, layers=4, width=256, rows=32, longest=128, steps=4, rounds=3)
    parser.add_argument(
        "--architecture", default="bert", choices=("bert", "roberta", "distilbert", "electra", "t5", *DECODERS)
    )
    parser.add_argument("--exact", action="store_true")
    asked = arms.parse(parser)
    makers = {"padded": padded, "unpadded": in_one_row if asked.architecture in DECODERS else without_padding}
    passes = {arm: make(model(asked)) for arm, make in makers.items()}
    results = {}
    for share in PADDING:
        ids, mask = batch(asked, share)
        aims = torch.randn(int(mask.sum()), asked.width, generator=torch.Generator().manual_seed(1)).to(ids.device)
        turns = {arm: partial(turn, *made, (ids, mask, aims), asked) for arm, made in passes.items()}
        for warm in turns.values():
            warm()
        found = results[f"{float(1 - mask.float().mean()):.3f}"] = arms.in_turns(turns, asked.rounds)
        compare(found, passes, within=1e-6 if asked.exact else 0.02)
        print(f"padding {1 - mask.float().mean():.1%}\n{arms.table(found, int(mask.sum()) * asked.steps)}", flush=True)
    print(arms.as_json(asked, results))


def model(asked: argparse.Namespace) -> Any:
    """The same at every call, with the attention that training has."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(asked.architecture, vocab_size=VOCABULARY)
    names = {
        **dict.fromkeys(("num_hidden_layers", "num_layers", "n_layer", "n_layers"), asked.layers),
        **dict.fromkeys(("hidden_size", "embedding_size", "d_model", "n_embd", "dim"), asked.width),
        **dict.fromkeys(
            ("num_attention_heads", "num_key_value_heads", "num_heads", "n_head", "n_heads"), asked.width // 64
        ),
        **dict.fromkeys(("intermediate_size", "hidden_dim", "d_ff"), 4 * asked.width),
        **dict.fromkeys(NO_DROPOUT, 0.0),
    }
    known = config.to_dict().keys()
    config = AutoConfig.for_model(
        asked.architecture, vocab_size=VOCABULARY, **{name: value for name, value in names.items() if name in known}
    )
    made = T5EncoderModel(config) if asked.architecture == "t5" else AutoModel.from_config(config)
    on_cpu.quicken(made) if not arms.on_gpu() else made.cuda()
    return made.train()


def batch(asked: argparse.Namespace, share: float) -> tuple[Tensor, Tensor]:
    """Random tokens and their mask: one row is the longest, the others are shorter, by twice the share at most."""
    random = torch.Generator().manual_seed(round(1000 * share))
    lengths = asked.longest * (1 - 2 * share * torch.rand(asked.rows, generator=random))
    lengths[0] = asked.longest
    mask = (torch.arange(asked.longest) < lengths.round().clamp(min=1)[:, None]).long()
    ids = torch.randint(1000, VOCABULARY, mask.shape, generator=random) * mask
    device = "cuda" if arms.on_gpu() else "cpu"
    return ids.to(device), mask.to(device)


def padded(made: Any) -> tuple[Any, States]:
    """States of the real tokens, by the model as it is."""
    return made, lambda ids, mask: made(input_ids=ids, attention_mask=mask).last_hidden_state[mask.bool()]


def without_padding(made: Any) -> tuple[Any, States]:
    """The same of an encoder whose layers read no padding."""
    unpadded.unpad(made, "always")
    return padded(made)


def in_one_row(made: Any) -> tuple[Any, States]:
    """The same of a decoder that reads one text after another."""
    if arms.on_gpu():
        documents.by_documents(made)

    def states(ids: Tensor, mask: Tensor) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        real = mask.bool()
        given = {"input_ids": ids[real][None], "position_ids": places[real][None], "attention_mask": None}
        found: Tensor = made(**inputs_of(made, given)).last_hidden_state[0]
        return found

    return made, states


def turn(made: Any, states: States, given: tuple[Tensor, Tensor, Tensor], asked: argparse.Namespace) -> arms.Found:
    """Some steps of one arm on one batch; the loss, and the gradient of the last is left in the weights."""
    ids, mask, aims = given

    def work() -> Tensor:
        for _ in range(asked.steps):
            made.zero_grad()
            with torch.autocast(ids.device.type, torch.bfloat16, enabled=not asked.exact):
                found = states(ids, mask)
            loss = (found.float() - aims).square().mean()
            loss.backward()
        return loss.detach()

    took, loss = arms.timed(work)
    took.facts["loss"] = float(loss)
    return took


def compare(found: dict[str, list[arms.Found]], passes: dict[str, Any], within: float) -> None:
    """End the benchmark where the arms' losses or gradients differ; note by how much."""
    arms.require_alike(found, within)
    ours, theirs = (
        torch.cat([weight.grad.flatten() for weight in made.parameters() if weight.grad is not None])
        for made, _ in (passes["unpadded"], passes["padded"])
    )
    apart = float((ours - theirs).norm() / theirs.norm())
    found["unpadded"][-1].facts["gradient apart"] = apart
    if not apart <= within:
        raise SystemExit(f"the gradients differ by {apart:.2g} of their size")


if __name__ == "__main__":
    arms.run(main)
