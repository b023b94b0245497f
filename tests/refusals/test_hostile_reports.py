"""Whatever text comes from a run, its pages and cards show it: nothing in it runs, loads, links or sets anything."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

sys.path.append(str(Path(__file__).parents[1] / "reports"))
from run_folders import LOG, METRICS, page, write_run

from genai_hf.reports import sweep
from genai_hf.reports.model_card import write_model_card
from genai_hf.reports.render import write_report
from genai_hf.reports.sections import Figure, Table, save

PORT = 0
BEACON = "http://127.0.0.1:{port}/hit"  # filled in where somebody listens
HOSTILE = [
    "<script>document.title='owned';fetch('BEACON')</script>",
    "<img src=BEACON onerror=\"document.title='owned'\">",
    "<svg onload=\"document.title='owned'\"><image href=BEACON /></svg>",
    "</style><script>document.title='owned'</script>",
    "</title><script>document.title='owned'</script>",
    "</pre></dd></dl></table><iframe src=BEACON></iframe>",
    '" onmouseover="document.title=\'owned\'" autofocus onfocus="document.title=\'owned\'" x="',
    "' style='background:url(BEACON)' x='",
    "<link rel=stylesheet href=BEACON><style>@import 'BEACON'</style>",
    "<meta http-equiv=refresh content='0;url=BEACON'><base href=BEACON>",
    "&lt;script&gt;document.title='owned'&lt;/script&gt; &#60;script&#62; &#x3c;img&#x3e;",
    "javascript:document.title='owned'",
    "data:text/html,<script>document.title='owned'</script>",
    "[click](javascript:alert(1)) ![image](BEACON) <BEACON> [r]: BEACON",
    "---\nlicense: mit\ntags: [owned]\n---\n# heading\n\n```\n</code>",
    "{{ 7 * 7 }}{% raw %}{# x #} ${x} <%= x %>",
    "<!-- <![CDATA[ ]]> --!> <form action=BEACON><input type=submit></form><object data=BEACON>",
    "\u202e\u2066<scr\x00ipt>\x1b[31m\x07 a|b\\|c `d` $x$",
]


def run_folder(folder: Path, texts: list[str], port: int = PORT) -> Path:
    """A run with each text in each place that a page shows."""
    texts = [text.replace("BEACON", BEACON.format(port=port)) for text in texts]
    one, shown = texts[0], {text: text for text in texts}
    config = {"recipe": one, "run": one, "overrides": texts, "model": {"name": one, "architecture": one}, one: shown}
    log = [*LOG, *({"step": 20 + more, **{f"eval_{text}": 0.5 + more for text in texts}} for more in (0, 10))]
    write_run(folder, json.dumps(config), "\n".join(texts), log, METRICS | {f"eval_{text}": 0.5 for text in texts})
    (folder / "fingerprint.json").write_text(json.dumps({"versions": shown, "hardware": shown, one: shown}))
    save(folder, Table(one, [*texts, "end"], [[*texts, None]] * 2, one))
    for kind in ("line", "bar"):
        points = {text: [(0.0, 1.0), (1.0, 2.0)][: 1 if kind == "bar" else 2] for text in texts}
        save(folder, Figure(f"{one} {kind}", one, one, points, one, kind=kind))
    model = folder / "model"
    model.mkdir()
    facts = {"architectures": ["BertForMaskedLM"], "model_type": "bert", "_name_or_path": one}
    (model / "config.json").write_text(json.dumps(facts))
    (model / "tokenizer_config.json").write_text(json.dumps({"bos_token": one}))
    write_model_card(folder)
    return folder


def elements(parsed) -> set[tuple[str, str]]:
    """Elements, each with each of its attributes."""
    return {(tag, name) for tag, attributes in parsed.tags for name in ("", *attributes)}


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> set[tuple[str, str]]:
    folder = run_folder(tmp_path_factory.mktemp("plain"), ["one", "two", "three"])
    return elements(page(write_report(folder)))


@pytest.mark.parametrize("first", range(0, len(HOSTILE), 3))
def test_hostile_text_makes_no_element_attribute_or_address_of_its_own(first, tmp_path, plain):
    texts = HOSTILE[first : first + 3]
    path = write_report(run_folder(tmp_path / "run", texts))
    parsed = page(path)
    assert elements(parsed) <= plain
    for tag, attributes in parsed.tags:
        addresses = [value for name, value in attributes.items() if name in {"href", "src", "xlink:href", "action"}]
        assert all(address.startswith("#") for address in addresses), tag
        assert "url(" not in attributes.get("style", "").replace("url(#", "")
    assert "document.title" in parsed.text or "document.title" not in str(texts)


def test_the_policy_stands_before_anything_that_a_run_says(tmp_path):
    text = write_report(run_folder(tmp_path / "run", HOSTILE[:3])).read_text("utf-8")
    policy = text.index("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
    assert policy < text.index("<title>")


@pytest.mark.parametrize("first", range(0, len(HOSTILE), 3))
def test_a_card_and_a_text_of_hostile_words_hold_no_html_and_no_link(first, tmp_path):
    folder = run_folder(tmp_path / "run", HOSTILE[first : first + 3])
    write_report(folder)
    card = (folder / "model" / "README.md").read_text("utf-8")
    _, front, body = re.split(r"^---$", card, maxsplit=2, flags=re.MULTILINE)
    facts = yaml.safe_load(front)
    assert facts.keys() <= {
        "library_name",
        "pipeline_tag",
        "tags",
        "model-index",
        "base_model",
        "datasets",
        "model_name",
    }
    assert "owned" not in facts["tags"] and "license" not in facts
    for text in (body, (folder / "report.md").read_text("utf-8")):
        outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"<(?!br>)[a-zA-Z/!?]", outside)
        assert not re.search(r"(?<!\\)\]\(|(?<!\\)!\[|^\[[^\]\\]+\]:", outside, re.MULTILINE)


def test_a_runs_settings_that_are_a_bomb_are_said_to_be_one(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    folder = write_run(tmp_path / "run", config="\n".join(lines))
    assert "config.yaml cannot be read: config.yaml: its anchors" in page(write_report(folder)).text


@contextlib.contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """A server of this machine's, its port, and what it was asked for."""
    asked: list[str] = []

    class Note(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Note) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], asked
        server.shutdown()


def opened(path: Path, profile: Path) -> str:
    """The title of a page and its elements once a browser has run it for two seconds."""
    browser = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", f"--user-data-dir={profile}"]
    done = subprocess.run(
        [browser, *flags, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


@pytest.mark.slow
def test_a_real_browser_runs_and_fetches_nothing_of_a_hostile_report(tmp_path):
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("no Chromium is installed here to open the page with")
    with listening() as (port, asked):
        control = tmp_path / "control.html"
        control.write_text(
            f"<title>plain</title><body>{HOSTILE[0]}{HOSTILE[1]}".replace("BEACON", BEACON.format(port=port))
        )
        assert "<title>owned</title>" in opened(control, tmp_path / "profile")
        assert "/hit" in asked  # a page without our care does run it
        asked.clear()
        for first in range(len(HOSTILE)):
            run = run_folder(tmp_path / f"run{first}", HOSTILE[first:] + HOSTILE[:first], port)
            shown = opened(write_report(run), tmp_path / "profile")
            assert "<title>owned" not in shown and "</html>" in shown
            assert not asked, (first, asked)
        summary = sweep.write_sweep(
            tmp_path / "sweep",
            HOSTILE[0],
            [sweep.SweepCell({HOSTILE[1]: text}, tmp_path / "run0", text) for text in HOSTILE],
        )
        assert "<title>owned" not in opened(summary, tmp_path / "profile")
        assert not asked
