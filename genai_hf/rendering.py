"""Chat templates are rendered in a process of their own, which the system ends where a template does not end.

A template is a program of somebody else's. Transformers' sandbox keeps it from everything but its conversation, and no
clock within a process interrupts a single operation of C, such as a search for one long text in another from the right
or a comparison of lists that hold each other. So a process renders that the system gives so much time and memory, and
ends when they are used up; the one that began it, which is slow to begin, puts another in its place. They load no
torch, and are asked and answer in lines of JSON.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genai_hf.bounds import limited_memory

SECONDS = 5.0  # of a processor, for one conversation
MEMORY = 2**29  # bytes beside what the process has in use when it begins
BEGIN = "import sys; sys.path.append(sys.argv[1]); from genai_hf import rendering; rendering.serve()"


class Renderer:
    """Asks the process, which is begun when it is first asked; one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._owner, self._lock = 0, threading.Lock()
        atexit.register(self.close)

    def __call__(self, template: str, most: int, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """What comes of a template.

        Args:
            template: Its source.
            most: Letters of the text at most.
            given: Its variables.

        Returns:
            ``text`` and ``marked``, pairs of where a part begins and ends that the template marks as the assistant's;
            or ``letters``, where there are more than `most`; or ``refused``, what the template says. None where it
            takes too much time or memory.
        """
        question = {"template": template, "most": most, "given": given, "seconds": SECONDS}
        with self._lock:
            try:
                process = self._running()
                print(json.dumps(question, default=str), file=process.stdin, flush=True)
                answer: dict[str, Any] | None = self._read(process)
            except BaseException:
                self.close()  # the answer would be taken for that to the next question
                raise
            return answer

    def close(self) -> None:
        """End the process, if it is this one's."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is not None and self._owner == os.getpid():
            return self._process
        command = [sys.executable, "-P", "-W", "ignore", "-c", BEGIN, str(Path(__file__).parents[1])]
        quiet = {"TRANSFORMERS_VERBOSITY": "error"}
        self._process = process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | quiet, process_group=0
        )
        self._owner = os.getpid()
        self._read(process)  # that it is ready
        return process

    def _read(self, process: subprocess.Popen[str]) -> Any:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError("the process that renders chat templates has ended by itself")
        return json.loads(line)


RENDERER = Renderer()


def serve() -> None:
    """In the process: answer each line of standard input with one of standard output."""
    from transformers.utils.chat_template_utils import _compile_jinja_template

    print("null", flush=True)
    while (worker := os.fork()) and os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) < 0:
        print("null", flush=True)  # a signal has ended it, and there was no answer
    if not worker:
        _work(_compile_jinja_template)


def _work(compiled: Any) -> None:
    with limited_memory(MEMORY):
        for line in sys.stdin:
            question = json.loads(line)
            signal.setitimer(signal.ITIMER_PROF, question["seconds"])  # its signal ends the process
            try:
                answer = _answer(compiled, question)
            except (MemoryError, RecursionError):
                answer = None
            signal.setitimer(signal.ITIMER_PROF, 0)
            print(json.dumps(answer), flush=True)


def _answer(compiled: Any, question: Mapping[str, Any]) -> dict[str, Any]:
    from jinja2 import TemplateError

    blocks, marked = list[str](), list[tuple[int, int]]()
    try:
        template = compiled(question["template"])
        with template.environment.activate_tracker(blocks, marked):
            blocks += template.generate(**question["given"])
    except RecursionError:
        raise
    except (TemplateError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        return {"refused": str(error).strip().partition("\n")[0][:200] or type(error).__name__}
    letters = sum(map(len, blocks))
    return {"letters": letters} if letters > question["most"] else {"text": "".join(blocks), "marked": marked}
