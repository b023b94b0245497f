"""How a task and its input are put into words for a model.

Tk-Instruct's wording: Wang et al. 2022, "Super-NaturalInstructions", arXiv:2204.07705, figure 2, and the released code,
byte for byte. That of Natural Instructions v1: Mishra et al. 2022, "Cross-task generalization via natural language
crowdsourcing instructions", arXiv:2104.08773, section 5.1, and the released code, but for a line of its own where that
runs the suggestion into the reason. Alpaca's: Taori et al. 2023, github.com/tatsu-lab/stanford_alpaca.
"""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["fixed", "example", "input"]

FIELDS = {
    "title": "Title",
    "definition": "Definition",
    "prompt": "Prompt",
    "avoid": "Things to Avoid",
    "emphasis": "Emphasis & Caution",
}
ORDERS: Mapping[str, Sequence[str]] = {
    "tk_instruct": ("definition", "positive", "negative"),
    "natural_instructions_v1": ("definition", "prompt", "avoid", "emphasis", "negative", "positive"),
    "alpaca": ("definition",),
}
ALPACA = (
    "Below is an instruction that describes a task{}. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n"
)
FURTHER = ", paired with an input that provides further context"


@dataclass(frozen=True)
class Part:
    """A piece of a prompt; when it is too long its examples are dropped, the last one first, then its input is cut."""

    text: str
    role: Role = "fixed"


@dataclass(frozen=True)
class Shown:
    """An example that an instruction shows, good or bad; what it lacks is empty."""

    input: str
    output: str
    reason: str = ""
    suggestion: str = ""


@dataclass(frozen=True)
class Instruction:
    """A task as its authors describe it.

    Attributes:
        name: Of the task.
        category: Of the task; empty where none is known.
        fields: Texts by the keys of FIELDS, without those that are empty.
        positive: Good examples.
        negative: Bad ones.
    """

    name: str
    category: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    positive: Sequence[Shown] = ()
    negative: Sequence[Shown] = ()


@dataclass(frozen=True, kw_only=True)
class Wording:
    """Makes a prompt of an instruction and an input.

    Args:
        wording: Whose.
        positive: Good examples that are shown, at most.
        negative: Bad ones.
        explanations: Whether they come with their reasons, and in the wording of v1 with suggestions.
        order: Keys of FIELDS, ``positive`` and ``negative``, each once at most, as they follow one another; None is as
            published.

    Raises:
        ValueError: A number is below 0, or the order names something else or one thing twice.
    """

    wording: Literal["tk_instruct", "natural_instructions_v1", "alpaca"]
    positive: int = 0
    negative: int = 0
    explanations: bool = False
    order: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for name in ("positive", "negative"):
            if vars(self)[name] < 0:
                raise ValueError(f"{name} must be at least 0, got {vars(self)[name]}")
            if self.wording == "alpaca" and vars(self)[name]:
                raise ValueError(
                    f"{name} must be 0 where Alpaca's wording shows no examples; another does: tk_instruct"
                )
        known = (*FIELDS, "positive", "negative")
        if self.order is not None and (set(self.order) - set(known) or len(set(self.order)) < len(self.order)):
            raise ValueError(f"order must be different ones of {', '.join(known)}, got {', '.join(self.order)}")

    def __call__(self, instruction: Instruction, given: str) -> list[Part]:
        """The prompt, in parts; joined they are its text, which ends in a space where the answer is to follow one."""
        if self.wording == "alpaca":
            return self._alpaca(instruction, given)
        parts = list[Part]()
        for key in self.order or ORDERS[self.wording]:
            if key in FIELDS:
                parts += [Part(self._field(key, instruction.fields[key]))] if key in instruction.fields else []
            else:
                good = key == "positive"
                shown = (instruction.positive, instruction.negative)[not good][: vars(self)[key]]
                parts += [Part(self._example(good, number, one), "example") for number, one in enumerate(shown, 1)]
        if self.wording == "natural_instructions_v1":
            return [*parts, Part("input: "), Part(given, "input"), Part("\noutput: ")]
        if not given.strip():  # the instruction says it all
            return [*parts, Part("", "input"), Part("Output: ")]
        head, given = "Now complete the following example -\nInput: ", given.strip()
        return [*parts, Part(head), Part(given, "input"), Part(f"{_stop(head + given)}\nOutput: ")]

    def _field(self, key: str, text: str) -> str:
        line = f"{FIELDS[key]}: {text.strip()}"
        return f"{line}\n" if self.wording == "natural_instructions_v1" else f"{line}{_stop(line)}\n\n"

    def _example(self, good: bool, number: int, shown: Shown) -> str:
        sign = "Positive" if good else "Negative"
        why = [shown.reason, shown.suggestion] if self.explanations else ["", ""]
        if self.wording == "natural_instructions_v1":
            lines = [("input", shown.input), ("output", shown.output), ("reason", why[0]), ("suggestion", why[1])]
            told = "".join(f"{name}: {text}\n" for name, text in lines if text or name in {"input", "output"})
            return f"{sign} Example{number}- \n{told}"
        lines = [("Input", shown.input), (" Output", shown.output), (" Explanation", why[0])]
        said = [f"{name}: {text.strip()}" for name, text in lines if text or name != " Explanation"]
        return f" {sign} Example {number} -\n" + "".join(f"{line}{_stop(line)}\n" for line in said) + "\n"

    def _alpaca(self, instruction: Instruction, given: str) -> list[Part]:
        text = instruction.fields["definition"]
        if not given:
            return [Part(ALPACA.format("")), Part(text, "input"), Part("\n\n### Response:")]
        head = Part(f"{ALPACA.format(FURTHER)}{text}\n\n### Input:\n")
        return [head, Part(given, "input"), Part("\n\n### Response:")]


def _stop(text: str) -> str:
    """What ends a sentence that nothing ends."""
    return "" if text[-1] in string.punctuation else "."
