"""Instructions, conversations and texts with their answers that are wrong."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from asking import Case

COLUMNS = "name others: data.input=… data.answers=…"
RENAME = "name another: data.rename={ITS NAME: OURS}"
ASKED, SAID = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
TASK = {"Definition": ["Do it."], "Categories": ["c"], "Instances": [{"input": "x", "output": ["y"]}]}
ROLES = "it takes system, user, assistant (data.roles)"
ANSWERED = ("t5_qa", "pairs=questions")
ALPACA = ("instruct", "sequence_length=256", "instructions=alpaca")
MESSAGES = ("instruct", "sequence_length=256", "instructions=messages")


def rows(cause: str, words: Sequence[str], good: Mapping[str, Any], row: Any, said: str) -> Case:
    """A JSON object behind a good one."""
    content = "".join(json.dumps(one) + "\n" for one in (good, row))
    return Case(cause=cause, words=[*words, "data.path=a.jsonl"], said=said, files={"a.jsonl": content})


def answered(cause: str, row: Any, said: str) -> Case:
    """A question with its answers."""
    return rows(cause, ANSWERED, {"question": "q", "answers": ["a"]}, row, said)


def instructed(cause: str, row: Any, said: str) -> Case:
    """An instruction with its output."""
    return rows(
        cause,
        ALPACA,
        {"instruction": "do", "output": "done"},
        row,
        said,
    )


def talked(cause: str, messages: Any, said: str) -> Case:
    """A conversation."""
    return rows(
        cause,
        MESSAGES,
        {"messages": [ASKED, SAID]},
        {"messages": messages},
        said,
    )


def task(cause: str, content: Any, said: str) -> Case:
    """A task with its instances beside a good one."""
    given = content if isinstance(content, str) else json.dumps(TASK | content)
    words = ["instruct", "sequence_length=256", "instructions=super_natural_instructions", "data.path=t"]
    return Case(cause=cause, words=words, said=said, files={"t/task1.json": json.dumps(TASK), "t/task2.json": given})


def file(cause: str, name: str, content: str, said: str, *, recipe: Sequence[str] = ANSWERED) -> Case:
    """A whole file."""
    return Case(cause=cause, words=[*recipe, f"data.path={name}"], said=said, files={name: content})


ANSWERS: Sequence[Case] = [
    answered("A question has no answer", {"question": "q"},
         f"a.jsonl:2: no column 'answers' among question; {COLUMNS}"),
    answered("An answer is null", {"question": "q", "answers": None},
         "a.jsonl:2: 'answers' is null; leave the row out"),
    answered("A list of answers is empty", {"question": "q", "answers": []},
         "a.jsonl:2: 'answers' is an empty list; write an answer, or leave the row out"),
    answered("One of several answers is empty", {"question": "q", "answers": ["a", " "]},
         "a.jsonl:2: 'answers' has an answer that is empty; leave the row out"),
    answered("An answer is a number", {"question": "q", "answers": 3},
         "a.jsonl:2: 'answers' is 3; write it as a string"),
    answered("Answers are an object", {"question": "q", "answers": {"said": ["a"]}},
         "a.jsonl:2: 'answers' is {'said': ['a']}; write it as a string"),
    answered("A question is empty", {"question": "", "answers": ["a"]},
         "a.jsonl:2: 'question' is empty; leave the row out"),
    answered("A question is a list", {"question": ["q"], "answers": ["a"]},
         "a.jsonl:2: 'question' is ['q']; write it as a string"),
    file("Lists of answers are written as text, as pandas writes them", "a.csv",
         "question,answers\nq,\"['a', 'b']\"\nr,[]\n",
         """a.csv: all 'answers' are lists written as text, "['a', 'b']"; write real lists, in jsonl or Parquet """
         "(where brackets are meant, a list of that one text)"),
    file("The columns of the questions are called otherwise", "a.csv", "q,a\nwho,me\n",
         f"a.csv:1: no column 'question' among q, a; {COLUMNS}"),
    file("A question is not followed by a tab", "a.tsv", "question\tanswers\nwho me\n",
         "a.tsv:2: 1 field where the header has 2; a tab too many or too few, or a line that is broken"),
    file("Questions are in a text file", "a.txt", "who?\n",
         "a.txt: pairs are read from .tsv, .jsonl, .ndjson, .json, .csv, .parquet (also .gz); rename it, or convert "
         "it"),
    file("A file of questions is empty", "a.jsonl", "", "a.jsonl: holds no row; fill it, or leave it out"),
]  # fmt: skip

INSTRUCTIONS: Sequence[Case] = [
    instructed("An instruction has no output", {"instruction": "do"},
         f"a.jsonl:2: no column 'output' among instruction; {RENAME}"),
    instructed("An instruction is empty", {"instruction": "", "output": "done"},
         "a.jsonl:2: 'instruction' is empty; leave the row out"),
    instructed("An output is null", {"instruction": "do", "output": None},
         "a.jsonl:2: 'output' is null; leave the row out"),
    instructed("An output is a number", {"instruction": "do", "output": 3},
         "a.jsonl:2: 'output' is 3; write it as a string"),
    instructed("An input is a list", {"instruction": "do", "input": ["x"], "output": "done"},
         "a.jsonl:2: 'input' is ['x']; write it as a string"),
    file("An array of instructions breaks off", "a.json", '[{"instruction": "do"',
         "a.json:1: not JSON (Expecting ',' delimiter); write one array, or one object a line", recipe=ALPACA),
    talked("A conversation is null", None,
         "a.jsonl:2: 'messages' holds None; write a list of objects with a role and a content"),
    file("A conversation is written as text", "a.csv",
         "messages\n\"[{'role': 'user', 'content': 'how are you today?'}]\"\n",
         """a.csv:2: 'messages' holds "[{'role': 'user', 'content': 'how are …; write a list of objects with a role """
         "and a content (in jsonl or Parquet: here it is a text)", recipe=MESSAGES),
    Case(cause="A name that is to stand for a column is of none", words=[*ALPACA, "data.path=a.jsonl",
         "data.rename={promt: instruction}"],
         files={"a.jsonl": '{"instruction": "do", "output": "done", "prompt": ""}'},
         said="'data.rename': no column 'promt' among instruction, output, prompt; did you mean 'prompt'? leave it "
         "out, or mend it"),
    talked("A conversation is a list of texts", ["q", "a"],
         "a.jsonl:2: 'messages' holds 'q'; write a list of objects with a role and a content"),
    talked("A conversation has no answer", [ASKED],
         "a.jsonl:2: 'messages' has no answer of the assistant to anything; leave the row out"),
    talked("A conversation begins with an answer", [SAID, ASKED],
         "a.jsonl:2: 'messages' has no answer of the assistant to anything; leave the row out"),
    talked("A role is not known", [ASKED, SAID | {"role": "bot"}],
         f"a.jsonl:2: 'messages' has the role 'bot'; {ROLES}"),
    talked("A message has no role", [ASKED, {"content": "a"}], f"a.jsonl:2: 'messages' has the role None; {ROLES}"),
    talked("A message is empty", [ASKED, SAID | {"content": ""}],
         "a.jsonl:2: 'messages' has a content that is empty; leave the row out"),
    talked("A message is a list", [ASKED, SAID | {"content": ["a"]}],
         "a.jsonl:2: 'messages' has a content that is ['a']; write it as a string"),
    task("A task is no JSON", "{",
         "t/task2.json: not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)); "
         "write one task as an object"),
    task("A task has no instances", {"Instances": []},
         "t/task2.json: is no task with a Definition and Instances (Instances); leave it out"),
    task("A definition is a number", {"Definition": 3}, "t/task2.json: 'Definition' is 3; write it as a string"),
    task("A definition is an object in a list", {"Definition": [{"a": 1}]},
         "t/task2.json: 'Definition' is {'a': 1}; write it as a string"),
    task("The examples of a task are a number", {"Positive Examples": 3},
         "t/task2.json: 'Positive Examples' is 3; write a list of objects"),
    task("An instance has no output", {"Instances": [{"input": "x"}]},
         "t/task2.json:1: 'output' is null; leave the row out"),
    task("An instance has an output that is a number", {"Instances": [{"input": "x", "output": [3]}]},
         "t/task2.json:1: 'output' is 3; write it as a string"),
]  # fmt: skip

CASES: Sequence[Case] = [*ANSWERS, *INSTRUCTIONS]
