"""Run folders made of nothing but their files, and pages read as a browser would."""

import json
import re
from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link", "input", "hr"}
HOSTILE = (
    "<img src=x onerror=alert(1)> | `rm` \n# <script>alert(2)</script> [l](javascript:x) ${x} "
    "\x00\x1b \ud800 \u202e日本 𝄞"
)

CONFIG = """\
recipe: bert_mlm
overrides:
- model=bert_tiny
- trainer.learning_rate=0.001
seed: 0
data:
  format: python_docs
model:
  architecture: bert
  name: null
trainer:
  max_steps: 20
  learning_rate: 0.001
"""
YARDSTICK = {"eval_commonest_accuracy": 0.07}
FIRST = {"eval_loss": 9.0, "eval_perplexity": 8103.0, "eval_token_accuracy": 0.0001} | YARDSTICK
LAST = {"eval_loss": 5.5, "eval_perplexity": 244.7, "eval_token_accuracy": 0.21} | YARDSTICK
LOG = [
    {"step": 0, "epoch": 0} | FIRST,
    {"step": 10, "epoch": 0.5, "loss": 7.0, "learning_rate": 1e-3, "tokens_per_second": 9000.0},
    {"step": 20, "epoch": 1.0, "loss": 6.0, "learning_rate": 0.0, "tokens_per_second": 9100.0},
    {"step": 20, "epoch": 1.0} | LAST,
]
METRICS = LAST | {"steps": 20.0}
FINGERPRINT = {"versions": {"python": "3.11.9", "torch": "2.13.1"}, "files": {"data.path": "ab12"}}


def write_run(folder, config=CONFIG, command="genai-hf bert_mlm model=bert_tiny", log=LOG, metrics=METRICS):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(config)
    (folder / "command.txt").write_text(command + "\n")
    (folder / "fingerprint.json").write_text(json.dumps(FINGERPRINT))
    if log is not None:
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


class Page(HTMLParser):
    """Tags with their attributes, the text outside style, and tags left open."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if "style" not in self.open else ""


def page(path):
    parsed = Page(path.read_text(encoding="utf-8"))
    assert parsed.open == []
    return parsed


def assert_inert(path):
    """No script, no handler, nothing fetched: links lead to pages beside this one or nowhere."""
    parsed = page(path)
    assert not {"script", "img", "iframe", "object", "link", "foreignobject"} & {tag for tag, _ in parsed.tags}
    for tag, attributes in parsed.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"], tag
        target = attributes.get("href") or ""
        assert target.startswith("#") or (tag == "a" and ":" not in target) or not target
    assert not re.search(r"@import|url\((?!#)|https?://", path.read_text(encoding="utf-8"))
