"""Tokenizers of decoders with and without a chat template, tiny decoders, and instructions to encode."""

import functools
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from genai_hf.data.instruction_files import Example
from genai_hf.data.wording import Instruction, Shown
from genai_hf.tokenization import train

PLAIN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MARKED_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] }}<|im_end|>{% endgeneration %}{% else %}{{ message['content'] }}<|im_end|>"
    "{% endif %}{{ '\n' }}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@functools.cache
def make_decoder_tokenizer(template: str | None = None) -> PreTrainedTokenizerFast:
    """Byte pairs with an end of text; with a template also the marks of turns, and turns end with one of them."""
    text = ["Definition: say what the cat or the dog says. Input: the cat Output: meow Now complete the example -"] * 5
    tokenizer = train(text, algorithm="byte_bpe", family="gpt2", vocab_size=330, lowercase=False)
    if template is not None:
        marks = [AddedToken(mark, special=True, normalized=False) for mark in ("<|im_start|>", "<|im_end|>")]
        tokenizer.add_tokens(marks, special_tokens=True)
        tokenizer.eos_token, tokenizer.chat_template = "<|im_end|>", template
    return tokenizer


def make_gpt2(vocab_size: int = 400, dtype: torch.dtype = torch.float64, positions: int = 128) -> GPT2LMHeadModel:
    """Two layers of 16, without dropout."""
    torch.manual_seed(0)
    quiet = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "bos_token_id": None, "eos_token_id": None}
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": positions, "initializer_range": 0.3}
    return GPT2LMHeadModel(GPT2Config(vocab_size=vocab_size, **sizes, **quiet)).to(dtype)


def make_llama(vocab_size: int = 400, dtype: torch.dtype = torch.float64) -> LlamaForCausalLM:
    """The same size with rotary positions."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    quiet = {"bos_token_id": None, "eos_token_id": None, "initializer_range": 0.3}
    return LlamaForCausalLM(LlamaConfig(vocab_size=vocab_size, num_key_value_heads=2, **sizes, **quiet)).to(dtype)


def example(given: str = "the cat", response: str = "meow", definition: str = "Say what it says.") -> Example:
    """An input of a task with two good examples and a bad one."""
    good, bad = [Shown("the dog", "woof"), Shown("the cow", "moo")], [Shown("the owl", "oink")]
    task = Instruction("sounds", "animals", {"definition": definition}, good, bad)
    return Example("tasks.json:1", task, given, [response])


def conversation(*contents: str, system: str | None = None) -> Example:
    """Turns of the user and the assistant by turns, after what the system says."""
    messages = [] if system is None else [{"role": "system", "content": system}]
    messages += [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(contents)]
    return Example("chats.jsonl:1", Instruction(contents[0]), "", [contents[-1]], tuple(messages))


def row(prompt: list[int], response: list[int], example_id: int = 0, epoch: int = 0) -> dict[str, Any]:
    """A row as the data set gives it."""
    learnt = np.array([False] * len(prompt) + [True] * len(response))
    ids = np.array([*prompt, *response])
    return {"input_ids": ids, "learnt": learnt, "prompt": len(prompt), "example_id": example_id, "epoch": epoch}


def random_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Prompts of 1 … 29 and responses of 1 … 11 random tokens."""
    random = np.random.default_rng(seed)
    return [
        row(*(random.integers(1, 400, size).tolist() for size in random.integers(1, (30, 12))), example_id=number)
        for number in range(count)
    ]
