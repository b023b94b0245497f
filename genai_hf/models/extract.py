"""A head on the state of a decoder's last token, [EXTRACT], beside its language-model head.

Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", sections 3.2 and 3.3: one linear
layer for the labels. The states of both orders of a pair are added before it; each of several choices has one score.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from genai_hf.encoding.layout import Transformation
from genai_hf.errors import ConfigError
from genai_hf.models.attached import attach
from genai_hf.models.fresh import mark
from genai_hf.tokenization.marks import Marks

NAME = "extract_head"  # of the module, and so of its weights in the model's files
OF_ADAPTER = "base_model.model."  # before every name in an adapter's files
FACTS = "extract"  # key of the model's config that says how the head is used


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What has to be known to use a trained head: it stands in the model's config.

    Args:
        transformation: How texts are set as sequences.
        names: Of the labels, none in a regression.
        length: Tokens of a sequence at most.
        start: Spelling of the three tokens, from here.
        delimiter: Of the second.
        extract: Of the third.
    """

    transformation: Transformation
    names: Sequence[str]
    length: int
    start: str
    delimiter: str
    extract: str

    @property
    def outputs(self) -> int:
        """Of the head: a score for each label, or one for a value or a choice."""
        return 1 if self.transformation == "multiple_choice" else len(self.names) or 1


class ExtractHead(nn.Module):
    """Dropout and a linear layer on the states at [EXTRACT].

    Args:
        width: Of a state.
        outputs: Labels, or 1.
        dropout: Share of a state's elements that are dropped, in [0, 1): the same ones in all choices of an example, as
            in the released code.
        by_sequence: Whether each sequence of an example is judged by itself (choices), or their sum (orders).
    """

    def __init__(self, width: int, outputs: int, dropout: float, *, by_sequence: bool) -> None:
        super().__init__()
        self.dropout, self.by_sequence = nn.Dropout(dropout), by_sequence
        self.linear = nn.Linear(width, outputs)

    def forward(self, states: Tensor, sequences: Tensor) -> Tensor:
        """Outputs of examples.

        Args:
            states: (S, H) at [EXTRACT] of all sequences.
            sequences: int64 (B,) how many of them each example has; without `by_sequence` all have as many.

        Returns:
            (B, outputs), or (S, 1) where each sequence is judged by itself.
        """
        if not self.by_sequence:
            states = states.view(len(sequences), -1, states.shape[1]).sum(1)
            sequences = torch.ones_like(sequences)
        kept = self.dropout(states.new_ones(len(sequences), states.shape[1]))
        outputs: Tensor = self.linear(states * kept.repeat_interleave(sequences, 0))
        return outputs


def add_extract_head(
    trunk: PreTrainedModel,
    *,
    facts: Facts,
    marks: Marks,
    seed: int = 0,
    multiple_of: int = 1,
    dropout: float = 0.1,
    deviation: float = 0.02,
) -> PreTrainedModel:
    """Give a causal language model rows for the new tokens, and the head.

    Args:
        trunk: As `genai_hf.models.load` gives it; it is changed.
        facts: Written into its config.
        marks: Ids of the three tokens.
        seed: Of the new numbers.
        multiple_of: The vocabulary grows to a multiple of it, which tensor cores like; one with room stays as it is.
        dropout: Of the head, in [0, 1).
        deviation: Standard deviation of the new rows and of the head's weights, positive; its bias begins at 0.

    Raises:
        ConfigError: The model is no decoder.
        ValueError: A range is wrong.
    """
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), got {dropout}")
    if not 0 < deviation < math.inf:
        raise ValueError(f"deviation must be positive and finite, got {deviation}")
    if multiple_of < 1:
        raise ValueError(f"multiple_of must be at least 1, got {multiple_of}")
    if trunk.config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise ConfigError(f"'model': {trunk.config.model_type} reads in both directions; take a decoder, such as gpt2")
    random = torch.Generator().manual_seed(seed)
    _grow(trunk, marks, multiple_of, deviation, random)
    head = _head(trunk, facts, dropout)
    _draw(head.linear.weight, deviation, random)
    with torch.no_grad():
        head.linear.bias.zero_()
    attach(trunk, NAME, head)
    trunk.config.update({FACTS: asdict(facts) | {"names": list(facts.names)}})
    return trunk


def saved_facts(folder: Path, settings: dict[str, Any]) -> Facts:
    """How the head of a saved model is used.

    Args:
        folder: Of the model.
        settings: Its config.

    Raises:
        ConfigError: It has no head of this kind.
    """
    if FACTS not in settings:
        raise ConfigError(f"{folder} has no head that reads [EXTRACT]; name a run of gpt_extract")
    facts = settings[FACTS]
    if not isinstance(facts, dict) or facts.keys() != {field.name for field in fields(Facts)}:
        raise ConfigError(f"{folder / 'config.json'} is damaged ('{FACTS}'); run it again")
    return Facts(**facts)


def read_extract_head(trunk: PreTrainedModel, folder: Path) -> Facts:
    """Attach the head that lies in the folder of a saved model to its trunk.

    Raises:
        ConfigError: There is none, or its weights are missing or of another shape.
    """
    facts, weights = saved_facts(folder, trunk.config.to_dict()), dict[str, Tensor]()
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - it is no dict
                if (own := name.removeprefix(OF_ADAPTER)).startswith(f"{NAME}."):
                    weights[own.removeprefix(f"{NAME}.")] = tensors.get_tensor(name)
    head = _head(trunk, facts, 0.0)
    needed, found = ({name: part.shape for name, part in each.items()} for each in (head.state_dict(), weights))
    if found != needed:
        raise ConfigError(
            f"{folder} cannot be read (the weights of {NAME} are missing or of other shapes); run it again"
        )
    head.load_state_dict(weights)
    attach(trunk, NAME, head)
    return facts


def _head(trunk: PreTrainedModel, facts: Facts, dropout: float) -> ExtractHead:
    by_sequence = facts.transformation == "multiple_choice"
    weight = trunk.get_input_embeddings().weight
    width = trunk.get_output_embeddings().weight.shape[1]
    head = ExtractHead(width, facts.outputs, dropout, by_sequence=by_sequence)
    return head.to(device=weight.device, dtype=weight.dtype)


def _grow(trunk: PreTrainedModel, marks: Marks, multiple_of: int, deviation: float, random: torch.Generator) -> None:
    """Draw the rows of the new tokens, and of what fills up to the multiple; heads that were tied stay tied."""
    rows = trunk.get_input_embeddings().weight.shape[0]
    needed = max(marks.start, marks.delimiter, marks.extract) + 1
    if needed > rows:
        trunk.resize_token_embeddings(-(-needed // multiple_of) * multiple_of, mean_resizing=False)
    entry, exit_ = trunk.get_input_embeddings().weight, trunk.get_output_embeddings().weight
    fresh = sorted({*marks.new, *range(rows, len(entry))})
    mark(trunk, tokens=marks.new)
    for weight in [entry] if exit_ is entry else [entry, exit_]:
        drawn = torch.empty(len(fresh), weight.shape[1])
        _draw(drawn, deviation, random)
        if fresh and not weight.is_meta:
            with torch.no_grad():
                weight[fresh] = drawn.to(weight)


def _draw(weight: Tensor, deviation: float, random: torch.Generator) -> None:
    if not weight.is_meta:
        with torch.no_grad():
            weight.normal_(0.0, deviation, generator=random)
