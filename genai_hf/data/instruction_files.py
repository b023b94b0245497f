"""Instructions with their inputs and answers, and conversations, as files hold them: read and checked.

The tasks of Super-NaturalInstructions (Wang et al. 2022, arXiv:2204.07705) and of Natural Instructions v1 (Mishra et
al. 2022, arXiv:2104.08773) are a JSON file each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from genai_hf.data import files, tables
from genai_hf.data.json_rows import loads
from genai_hf.data.natural_tasks import described
from genai_hf.data.problems import Problems, clean, fault, shown
from genai_hf.data.wording import Instruction

Format: TypeAlias = Literal["alpaca", "natural_instructions", "messages", "python_docs"]
Message: TypeAlias = dict[str, str]  # its role and its content

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Example:
    """An input of an instruction with its answers, or a conversation.

    Attributes:
        place: File and row, for messages.
        instruction: What is to be done; of a conversation its name and category alone.
        input: Of the task; empty where the instruction says it all.
        references: Texts of which each is right, the first one to learn; of a conversation its last answer.
        messages: Of a conversation.
    """

    place: str
    instruction: Instruction
    input: str
    references: list[str]
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How files are read.

    Attributes:
        format: Of what is in them.
        rename: Their own names of columns to ours; in a conversation those of a message's role and content too.
        roles: Their own names of a conversation's roles to ours.
        categories: Of tasks that name none: a pattern of the file's name, without its ending, to the category; of
            those that match the first.
        faulty_rows: Whether a row that is wrong is refused or left out.
        left_out: Gathers the places of those left out.
        seen: Gathers the names that columns, and what is in a message, have.
    """

    format: Format
    rename: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    faulty_rows: Literal["refuse", "skip"] = "refuse"
    left_out: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def __call__(self, found: Sequence[Path], problems: Problems) -> list[Example]:
        """The examples of some files; what is wrong and not to be left out goes into `problems`."""
        examples = list[Example]()
        for file in found:
            read = self._task(file, problems) if self.format == "natural_instructions" else self._rows(file, problems)
            count = len(examples)
            for number, example, wrong in read:
                if wrong and self.faulty_rows == "skip":
                    self.left_out.append(f"{file}:{number}")
                elif wrong:
                    problems.add(file, number, wrong)
                elif example:
                    examples.append(example)
            if len(examples) == count and not problems.count:
                problems.add(file, None, "holds no row that can be used; fill it, or leave it out")
        return examples

    def _rows(self, file: Path, problems: Problems) -> Iterator[tuple[int, Example | None, str | None]]:
        chats = self.format == "messages"
        known = f"; so far {', '.join(f'{its}: {ours}' for its, ours in self.rename.items())}" if self.rename else ""
        wanted = ["messages"] if chats else ["instruction", "output"]
        columns = tables.Columns(
            texts=wanted[:1] if not chats else [],
            others=[*wanted[0 if chats else 1 :], "input", "task", "category"],
            optional=["input", "task", "category"],
            aliases=self.rename,
            remedy=f"name another: data.rename={{ITS NAME: OURS}}{known}",
            seen=self.seen,
        )
        check = self._conversation if chats else self._instructed
        for number, row in tables.rows(file, columns, problems):
            yield number, *check(f"{file}:{number}", row)

    def _instructed(self, place: str, row: Mapping[str, Any]) -> tuple[Example | None, str | None]:
        text, given = row["instruction"], row.get("input")
        given = "" if given is None or (isinstance(given, str) and not given.strip()) else given
        for key, value in {"instruction": text, **({"input": given} if given != "" else {})}.items():
            if wrong := fault(value):
                return None, f"'{key}' {wrong}"
        references, wrong = _references(row["output"], "output")
        if wrong:
            return None, wrong
        name, category = (str(row.get(key) or "") for key in ("task", "category"))
        instruction = Instruction(name or clean(text), category, {"definition": clean(text)})
        return Example(place, instruction, clean(given), references), None

    def _conversation(self, place: str, row: Mapping[str, Any]) -> tuple[Example | None, str | None]:
        told, messages = row["messages"], list[Message]()
        for message in told if isinstance(told, list) else [told]:
            if not isinstance(message, Mapping):
                remedy = "write a list of objects with a role and a content"
                where = (
                    " (in jsonl or Parquet: here it is a text)"
                    if isinstance(told, str) and told.startswith("[")
                    else ""
                )
                return None, f"'messages' holds {shown(message)}; {remedy}{where}"
            self.seen.update(message)
            known = {self.rename.get(key, key): value for key, value in message.items()}
            named, content = known.get("role"), known.get("content")
            role = self.roles.get(named, named) if isinstance(named, str) else named
            if role not in ROLES:
                return None, f"'messages' has the role {shown(role)}; it takes {', '.join(ROLES)} (data.roles)"
            if wrong := fault(content):
                return None, f"'messages' has a content that {wrong}"
            messages.append({"role": role, "content": clean(str(content))})
        answers = [number for number, message in enumerate(messages) if message["role"] == "assistant"]
        if not answers or answers[0] == 0:
            return None, "'messages' has no answer of the assistant to anything; leave the row out"
        messages = messages[: answers[-1] + 1]
        asked = next(message["content"] for message in messages if message["role"] != "system")
        instruction = Instruction(asked, str(row.get("category") or ""))
        return Example(place, instruction, "", [messages[-1]["content"].strip()], tuple(messages)), None

    def _task(self, file: Path, problems: Problems) -> Iterator[tuple[int, Example | None, str | None]]:
        before = problems.count
        text = "".join(line for _, line in files.lines(file, problems))
        if problems.count > before:
            return
        try:
            task = loads(text)
        except (ValueError, RecursionError) as error:
            problems.add(file, None, f"not JSON ({error}); write one task as an object")
            return
        instruction, wrong = described(file, task, self.categories)
        if wrong or instruction is None:
            problems.add(file, None, str(wrong))
            return
        for number, row in enumerate(task["Instances"], 1):
            given = row.get("input") if isinstance(row, Mapping) else None
            references, wrong = _references(row.get("output") if isinstance(row, Mapping) else None, "output")
            if wrong is None and (wrong := fault(given)):
                wrong = f"'input' {wrong}"
            if wrong:
                yield number, None, wrong
            else:
                yield number, Example(f"{file}:{number}", instruction, clean(str(given)), references), None


def _references(given: Any, name: str) -> tuple[list[str], str | None]:
    """The answers of a row, and what is wrong with them."""
    known = given if isinstance(given, list) else [given]
    wrong = next(filter(None, map(fault, known)), None if known else "is an empty list; leave the row out")
    return [clean(str(answer)).strip() for answer in known], wrong and f"'{name}' {wrong}"
