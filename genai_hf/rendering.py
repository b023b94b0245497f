"""Chat templates are rendered in a process of their own, which the system ends where a template does not end.

A template is a program of somebody else's. Transformers' sandbox keeps it from everything but its conversation, and no
clock within a process interrupts a single operation of C, such as a search for one long text in another from the right
or a comparison of lists that hold each other. So a process renders that the system gives so much time and memory, and
ends when they are used up. It loads no torch, and is asked and answers in lines of JSON. Where it has gone another is
begun, so that no answer is ever to a question before.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genai_hf.bounds import limited_memory
from genai_hf.errors import ConfigError

SECONDS = 5.0  # of a processor, for one conversation
TIMES = 3  # as long at most by the clock on the wall, whatever keeps the system from ending the process
STARTING = 300.0  # seconds by that clock to import what renders, from a slow disk
MEMORY = 2**29  # bytes beside what the process has in use when it begins
BEGIN = "import sys; sys.path.append(sys.argv[1]); from genai_hf import rendering; rendering.serve()"


class Renderer:
    """Asks the process, which is begun when it is first asked; one thread at a time."""

    def __init__(self) -> None:
        self._process: _Process | None
        self._let_go()
        os.register_at_fork(after_in_child=self._let_go)
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

        Raises:
            ConfigError: The process has gone, and so has the one that took its place.
        """
        question = {"template": template, "most": most, "given": given, "seconds": SECONDS}
        line = json.dumps(question, default=str).encode() + b"\n"
        with self._lock:
            for _ in range(2):
                try:
                    return self._answer(line)
                except TimeoutError:
                    self.close()
                    return None
                except ConnectionError:
                    if (code := self.close()) == -signal.SIGPROF:  # its time was up
                        return None
                except BaseException:
                    self.close()  # the answer would be taken for that to the next question
                    raise
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        remedy = "repeat the command, or take another tokenizer"
        raise ConfigError(f"the process that renders chat templates has ended twice ({how}); {remedy}")

    def close(self) -> int:
        """End the process, if there is one; what it ended by."""
        process, self._process = self._process, None
        return process.end() if process else 0

    def _let_go(self) -> None:
        """Have no process, as one that was forked has none: what it knows of is its parent's, and so is the lock."""
        self._process = None
        self._lock = threading.Lock()

    def _answer(self, line: bytes) -> dict[str, Any] | None:
        if self._process is None:
            self._process = _Process()
            self._process.await_start()
        answer: dict[str, Any] | None = self._process.ask(line, TIMES * SECONDS)
        return answer


class _Process:
    """The process, and our end of what is said; without a buffer, whose lock a fork might find taken."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-W", "ignore", "-c", BEGIN, str(Path(__file__).parents[1])]
        quiet = os.environ | {"TRANSFORMERS_VERBOSITY": "error"}
        self._socket, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                command, stdin=its.fileno(), stdout=its.fileno(), env=quiet, process_group=0
            )

    def await_start(self) -> None:
        """Wait until it can be asked.

        Raises:
            ConnectionError: It has ended, or takes too long.
        """
        try:
            self._read(STARTING)
        except TimeoutError as error:
            raise ConnectionAbortedError from error

    def ask(self, line: bytes, seconds: float) -> Any:
        """Its answer.

        Raises:
            TimeoutError: There is none after so many seconds.
            ConnectionError: It has ended.
        """
        self._socket.settimeout(seconds)
        self._socket.sendall(line)
        return self._read(seconds)

    def end(self) -> int:
        """Have it end, if it has not; what it ended by."""
        self._socket.close()
        self._process.kill()
        return self._process.wait()

    def _read(self, seconds: float) -> Any:
        self._socket.settimeout(seconds)
        said = bytearray()
        while not said.endswith(b"\n"):
            part = self._socket.recv(2**20)
            if not part:
                raise ConnectionResetError
            said += part
        return json.loads(said)


RENDERER = Renderer()


def serve() -> None:
    """In the process: answer each line of standard input with one of standard output."""
    for number in (signal.SIGPROF, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)  # whatever the parent did with it is inherited
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    from transformers.utils.chat_template_utils import _compile_jinja_template

    print("null", flush=True)
    with Path(os.devnull).open("w") as nowhere, limited_memory(MEMORY):
        os.dup2(nowhere.fileno(), 2)  # standard error: what Python remarks on a template is for nobody to read
        for line in sys.stdin:
            print(json.dumps(_timed(_compile_jinja_template, line)), flush=True)


def _timed(compiled: Any, line: str) -> dict[str, Any] | None:
    try:
        question = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, question["seconds"])  # its signal ends the process
        return _answer(compiled, question)
    except (MemoryError, RecursionError):
        return None
    except Exception as error:  # noqa: BLE001 - a program of somebody else's raises what it likes
        return {"refused": _words(error)}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(compiled: Any, question: Mapping[str, Any]) -> dict[str, Any]:
    blocks, marked = list[str](), list[tuple[int, int]]()
    template = compiled(question["template"])
    with template.environment.activate_tracker(blocks, marked):
        blocks += template.generate(**question["given"])
    letters = sum(map(len, blocks))
    return {"letters": letters} if letters > question["most"] else {"text": "".join(blocks), "marked": marked}


def _words(error: Exception) -> str:
    try:
        said = str(error).strip().partition("\n")[0][:200]
    except (MemoryError, RecursionError, ValueError):  # of a number with too many digits, or of what holds itself
        said = ""
    return said or type(error).__name__
