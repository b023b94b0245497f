"""The process that renders chat templates: whatever becomes of it, the answer is to the question that was asked."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from genai_hf import rendering
from genai_hf.errors import ConfigError
from genai_hf.rendering import Renderer

ENDLESS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
LONG = "{% for i in range(99999) %}{% for j in range(80) %}{% endfor %}{% endfor %}done"


@pytest.fixture
def renderer():
    one = Renderer()
    yield one
    one.close()


def ask(renderer: Renderer, template: str) -> str | None:
    found = renderer(template, 1000, {"messages": []})
    return found and found.get("text", found.get("refused"))


def pid(renderer: Renderer) -> int:
    return renderer._process._process.pid


def test_a_process_that_was_killed_meanwhile_is_begun_again(renderer):
    assert ask(renderer, "one") == "one"
    os.kill(pid(renderer), signal.SIGKILL)
    time.sleep(0.3)
    assert [ask(renderer, text) for text in ("two", "three", "four")] == ["two", "three", "four"]


def test_one_that_is_killed_while_it_works_is_begun_again(renderer):
    assert ask(renderer, "one") == "one"
    before = pid(renderer)
    threading.Timer(0.1, os.kill, (before, signal.SIGKILL)).start()
    assert ask(renderer, LONG) == "done"
    assert pid(renderer) != before


def test_one_that_ends_again_is_refused_in_a_line_and_the_next_question_has_another(renderer, monkeypatch):
    started, killed = rendering._Process.await_start, []

    def start(process):
        started(process)
        if len(killed) < 2:
            process._process.kill()
            killed.append(process._process.wait())

    monkeypatch.setattr(rendering._Process, "await_start", start)
    with pytest.raises(ConfigError) as caught:
        ask(renderer, "one")
    said = "the process that renders chat templates has ended twice (signal 9); repeat the command, or take another"
    assert str(caught.value) == f"{said} tokenizer"
    assert ask(renderer, "two") == "two"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% for a in [1] %}" * 25 + "{% endfor %}" * 25, "too many statically nested blocks"),
        ("{% if true %}" * 120 + "{% endif %}" * 120, "too many levels of indentation"),
        ("{{ dict(a=1, a=2) }}", "keyword argument repeated"),
        ("{% macro m(a, a) %}{% endmacro %}", "duplicate argument"),
        ("{% break %}", "'break' outside loop"),
        ("{{ 'a'.encode('utf-16').decode('utf-8') }}", "'utf-8' codec can't decode"),
    ],
)
def test_whatever_a_template_raises_is_its_refusal_and_leaves_no_traceback(template, said, renderer, capfd):
    assert ask(renderer, template).startswith(said)
    assert capfd.readouterr().err == ""


def test_time_is_up_where_the_signal_of_it_was_ignored_or_held_back(renderer, monkeypatch):
    monkeypatch.setattr(rendering, "SECONDS", 0.3)
    monkeypatch.setattr(rendering, "TIMES", 1000)  # the clock on the wall has no part in it
    before = signal.signal(signal.SIGPROF, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])
    try:
        assert ask(renderer, ENDLESS) is None
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
        signal.signal(signal.SIGPROF, before)


def test_one_that_stands_still_is_ended_by_the_clock_on_the_wall(renderer, monkeypatch):
    assert ask(renderer, "one") == "one"
    monkeypatch.setattr(rendering, "SECONDS", 0.2)
    os.kill(pid(renderer), signal.SIGSTOP)
    assert ask(renderer, "two") is None
    assert ask(renderer, "three") == "three"


FORKING = f"""
import os, threading, time
from genai_hf.rendering import RENDERER
RENDERER("one", 9, {{}})
other = threading.Thread(target=RENDERER, args=({LONG!r}, 99, {{}}))
other.start()
time.sleep(0.1)
child = os.fork()
held = other.is_alive()
if not child:
    os._exit(RENDERER("two", 9, {{}}) != {{"text": "two", "marked": []}})
print(held, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_process_that_is_forked_while_another_thread_asks_has_one_of_its_own():
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "0"]


@pytest.mark.parametrize("template", ["one", ENDLESS], ids=["idle", "working"])
def test_it_ends_after_the_one_that_began_it(template):
    script = (
        "import signal; signal.signal(signal.SIGPROF, signal.SIG_IGN)\n"
        "from genai_hf import rendering; rendering.SECONDS = 1.0\n"
        "rendering.RENDERER('one', 9, {}); print(rendering.RENDERER._process._process.pid, flush=True)\n"
        f"rendering.RENDERER({template!r}, 9, {{}}); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        time.sleep(0.2)
        parent.kill()
    until = time.monotonic() + 20
    while is_running(child):
        assert time.monotonic() < until
        time.sleep(0.05)


def is_running(process: int) -> bool:
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip()) and not found.stdout.startswith("Z")
