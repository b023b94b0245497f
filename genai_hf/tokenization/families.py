"""Special tokens of the published tokenizers: which there are, where their ids lie, and what they frame.

BERT: Devlin et al. 2018, arXiv:1810.04805, section 3. RoBERTa: Liu et al. 2019, arXiv:1907.11692. GPT-2: Radford et al.
2019, section 2.2. T5: Raffel et al. 2019, arXiv:1910.10683, sections 3.1.2 and 3.1.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tokenizers import AddedToken
from tokenizers.processors import PostProcessor, RobertaProcessing, TemplateProcessing

Algorithm: TypeAlias = Literal["wordpiece", "bpe", "byte_bpe", "unigram"]
FamilyName: TypeAlias = Literal["bert", "roberta", "gpt2", "t5"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """What the tokenizers of one published model have in common, whatever text they were trained on.

    Args:
        name: As settings call it.
        head: Special tokens with the lowest ids, in order.
        tail: Special tokens with the highest ids, in order.
        roles: What transformers calls them, such as ``mask_token``.
        algorithms: Those that its models are, or were, trained with.
        inputs: What the models take.
        sentinels: Tokens of `tail` without a role.
    """

    name: FamilyName
    head: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    roles: Mapping[str, str]
    algorithms: tuple[Algorithm, ...]
    inputs: tuple[str, ...] = ("input_ids", "attention_mask")
    sentinels: tuple[str, ...] = ()

    @property
    def special(self) -> list[AddedToken]:
        """All special tokens; a mask takes the space before it along, so that ``the <mask>`` is two tokens."""
        return [
            AddedToken(text, special=True, normalized=False, lstrip=text == "<mask>") for text in self.head + self.tail
        ]

    def frame(self, ids: Mapping[str, int]) -> PostProcessor | None:
        """What puts special tokens around one text or two, given the vocabulary; None for GPT-2, which puts none."""
        if self.name == "roberta":
            start, end = ("<s>", ids["<s>"]), ("</s>", ids["</s>"])
            return RobertaProcessing(end, start, trim_offsets=True, add_prefix_space=False)
        if self.name == "bert":
            used = [("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])]
            return TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=used)
        if self.name == "t5":
            used = [("</s>", ids["</s>"])]
            return TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=used)
        return None


FAMILIES: Mapping[str, Family] = {
    "bert": Family(
        name="bert",
        head=("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
        roles={
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
        },
        algorithms=("wordpiece", "bpe", "byte_bpe", "unigram"),  # BERT itself; ModernBERT is byte_bpe, ALBERT unigram
        inputs=("input_ids", "token_type_ids", "attention_mask"),
    ),
    "roberta": Family(
        name="roberta",
        head=("<s>", "<pad>", "</s>", "<unk>"),
        tail=("<mask>",),
        roles={
            "bos_token": "<s>",
            "eos_token": "</s>",
            "cls_token": "<s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
        algorithms=("byte_bpe",),
    ),
    "gpt2": Family(
        name="gpt2",  # no padding token, as the original: one that doubles as end of text hides where a text ends
        tail=("<|endoftext|>",),
        roles={"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"},
        algorithms=("byte_bpe",),
    ),
    "t5": Family(
        name="t5",
        head=("<pad>", "</s>", "<unk>"),
        tail=tuple(f"<extra_id_{number}>" for number in reversed(range(100))),
        roles={"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"},
        algorithms=("unigram", "bpe"),
        sentinels=tuple(f"<extra_id_{number}>" for number in range(100)),
    ),
}
