"""A model that writes: what it goes on with after a prompt, or answers in a conversation."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerFast

from genai_hf import tokenization
from genai_hf.analysis import finished
from genai_hf.analysis.streaming import Say, Streamer
from genai_hf.encoding.templates import rendered
from genai_hf.errors import ConfigError, UserError
from genai_hf.models import free_positions, writing
from genai_hf.models.bare import prompted
from genai_hf.models.extract import FACTS, saved_facts
from genai_hf.settings import generation

BATCH = 16  # prompts at a time where nothing is drawn


@dataclass(frozen=True)
class Prompt:
    """What is gone on from.

    Attributes:
        text: As it was given.
        ids: As the model reads it.
        limit: New tokens at most.
        seed: Of its samples.
    """

    text: str
    ids: Sequence[int]
    limit: int
    seed: int


@dataclass(frozen=True)
class Written:
    """What the model wrote.

    Attributes:
        prompt: The prompt's text.
        text: Without it, and without the token that ended it.
        tokens: How many there are, that one included.
        stopped: By an end of its own, or because no more were asked for.
    """

    prompt: str
    text: str
    tokens: int
    stopped: Literal["end", "length"]


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Writes by one way of generating.

    Args:
        model: A decoder or an encoder-decoder, in evaluation mode.
        tokenizer: Of the model.
        settings: Fields of transformers' GenerationConfig, `max_new_tokens` among them.
        seed: Of the first prompt's samples; each one after it has the next.
        begin: Ids that every text began with in training, beside those of the tokenizer.
        ends: Ids that end a text, beside the model's own.

    Raises:
        ConfigError: The settings contradict one another.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    settings: Mapping[str, Any]
    seed: int = 0
    begin: Sequence[int] = ()
    ends: Sequence[int] = ()

    def __post_init__(self) -> None:
        generation.require_tokens(self.settings, self.model.config.vocab_size)
        own = _listed(self.model.generation_config.eos_token_id) or _listed(self.tokenizer.eos_token_id)
        ends = _listed(self.settings.get("eos_token_id")) or [*own, *self.ends]
        pad = next((one for one in (self.tokenizer.pad_token_id, *ends) if one is not None), 0)
        object.__setattr__(self, "ends", ends)
        object.__setattr__(self, "settings", {"pad_token_id": pad, **self.settings, "eos_token_id": ends or None})
        try:
            GenerationConfig(**self.settings).validate(strict=True)
        except ValueError as error:
            reasons = [line for line in str(error).splitlines() if not line.startswith("GenerationConfig is")]
            raise ConfigError(f"'generation': {reasons[0].removeprefix('- ')}") from error

    @classmethod
    def of(cls, name: str, settings: Mapping[str, Any], *, seed: int = 0, stream: bool = False) -> "Writer":
        """A writer by the model in a folder, of all weights or of an adapter, or on the Hub.

        Args:
            name: Folder or Hub id.
            settings: As of the class.
            seed: As of the class.
            stream: Whether the model was trained on one stream, in which an end of text stands before each text.

        Raises:
            ConfigError: There is no such model, or it is one that writes no text.
        """
        model, tokenizer = finished.read_writer(name)
        begin, ends = [tokenization.end_of_text(tokenizer)] if stream else [], list[int]()
        if FACTS in model.config.to_dict():
            facts = saved_facts(Path(name), model.config.to_dict())
            begin = tokenizer.convert_tokens_to_ids([facts.start])
            ends = tokenizer.convert_tokens_to_ids([facts.delimiter, facts.extract])
        return cls(model=model, tokenizer=tokenizer, settings=settings, seed=seed, begin=begin, ends=ends)

    def read(self, texts: Sequence[str], frame: Callable[[str], str] = str) -> list[Prompt]:
        """Prompts of texts; what `frame` makes of each is what the model reads.

        Raises:
            ConfigError: One has no token, or more than the model has positions for.
        """
        rows = [[*self.begin, *self.tokenizer(frame(text))["input_ids"]] for text in texts]
        names = [f"prompt {place}" for place in range(1, len(texts) + 1)] if len(texts) > 1 else ["the prompt"]
        seeds = range(self.seed, self.seed + len(texts))
        return [Prompt(*fields) for fields in zip(texts, rows, map(self._limit, rows, names), seeds, strict=True)]

    def read_turn(self, messages: Sequence[Mapping[str, str]]) -> Prompt:
        """The prompt of a conversation whose last message is to be answered, by the tokenizer's template.

        Raises:
            ConfigError: There is no template, or it refuses the conversation, or that exceeds the model's positions.
        """
        if self.tokenizer.chat_template is None:
            raise ConfigError("this model's tokenizer has no chat template; leave --chat out, or name a model of chats")
        text, _ = rendered(self.tokenizer, messages, prompt=True)
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        seed = self.seed + sum(message["role"] == "user" for message in messages) - 1
        return Prompt(messages[-1]["content"], ids, self._limit(ids, "the conversation"), seed)

    def __call__(self, prompts: Sequence[Prompt], say: Say | None = None) -> Iterator[Written]:
        """What is written after each prompt; where something is drawn, or said, for one after the other.

        Args:
            prompts: As they were read.
            say: Called with each piece of a text as it comes; there can be no beams then.

        Raises:
            ConfigError: A setting is none that the model can write by.
        """
        alone = say or self.settings.get("do_sample") or self.settings.get("stop_strings")
        together = 1 if alone or prompted(self.model) else BATCH  # texts behind virtual tokens: alone
        for _, group in groupby(enumerate(prompts), key=lambda pair: (pair[0] // together, pair[1].limit)):
            some = [prompt for _, prompt in group]
            yield from map(self._written, some, self._ids(some, say))

    def _ids(self, prompts: Sequence[Prompt], say: Say | None) -> list[list[int]]:
        """Tokens that are written after prompts with the same limit."""
        rows, pad = [torch.tensor(prompt.ids) for prompt in prompts], self.settings["pad_token_id"]
        side = "right" if self.model.config.is_encoder_decoder else "left"
        ids = pad_sequence(rows, batch_first=True, padding_value=pad, padding_side=side)
        real = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True, padding_side=side)
        batch = {"input_ids": ids.to(self.model.device), "attention_mask": real.to(self.model.device)}
        given = {"streamer": Streamer(self._decode, say) if say else None, "tokenizer": self.tokenizer}
        settings = {**self.settings, "max_new_tokens": prompts[0].limit}
        try:
            return writing.write(self.model, batch, seed=prompts[0].seed, **given, **settings).tolist()
        except UserError:
            raise
        except (ValueError, IndexError, ImportError, AssertionError) as error:  # of a value out of its range
            raise ConfigError(f"'generation': {str(error).partition(chr(10))[0]}") from error

    def _written(self, prompt: Prompt, row: Sequence[int]) -> Written:
        text, own, stops = self._decode(row), self._up_to_end(row), self.settings.get("stop_strings") or []
        has_stopped = any(word in text for word in ([stops] if isinstance(stops, str) else stops))
        return Written(prompt.text, text, len(own), "end" if has_stopped or {*own} & {*self.ends} else "length")

    def _decode(self, row: Sequence[int]) -> str:
        """Text of tokens up to an end; special ones that stand within a text, such as sentinels, are shown."""
        silent = {self.settings["pad_token_id"], self.model.generation_config.decoder_start_token_id}
        silent |= {*self.begin, *self.ends}
        text: str = self.tokenizer.decode([one for one in self._up_to_end(row) if one not in silent])
        return text

    def _up_to_end(self, row: Sequence[int]) -> Sequence[int]:
        ends = (place for place, one in enumerate(row, 1) if one in self.ends)
        return row[: next(ends, len(row))]

    def _limit(self, ids: Sequence[int], name: str) -> int:
        """New tokens after a prompt: as many as are asked for, or as there are positions for."""
        wanted, room = int(self.settings["max_new_tokens"]), free_positions(self.model)
        if not ids:
            raise ConfigError(f"{name} has no token that the model knows; write another")
        if room is None:
            return wanted
        left = room - (1 if self.model.config.is_encoder_decoder else len(ids))
        if left < 1 or len(ids) > room:
            raise ConfigError(f"{name} has {len(ids):,} tokens, and the model {room:,} positions; shorten it")
        if left < wanted:
            print(f"{name}: {left:,} new tokens at most, for the model has {room:,} positions", file=sys.stderr)
        return min(wanted, left)


def _listed(ids: int | Sequence[int] | None) -> list[int]:
    return [] if ids is None else [ids] if isinstance(ids, int) else list(ids)
