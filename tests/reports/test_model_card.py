import json
import re

import numpy as np
import pytest
from huggingface_hub import ModelCard
from run_folders import CONFIG, HOSTILE, METRICS, write_run
from safetensors.numpy import save_file

from genai_hf.errors import UserError
from genai_hf.reports.model_card import write_model_card


def with_model(folder, model_config=None, adapter=None, tokenizer=True, **run):
    write_run(folder, **run)
    model = folder / "model"
    model.mkdir()
    if model_config is not None:
        (model / "config.json").write_text(json.dumps(model_config))
        save_file({"a": np.zeros((3, 4), "float32"), "b": np.zeros(5, "float32")}, model / "model.safetensors")
    if adapter is not None:
        (model / "adapter_config.json").write_text(json.dumps(adapter))
    if tokenizer:
        (model / "tokenizer_config.json").write_text("{}")
    return folder


BERT = {"architectures": ["BertForMaskedLM"], "model_type": "bert"}

GOLDEN = """\
---
library_name: transformers
pipeline_tag: fill-mask
tags:
- genai-hf
- bert_mlm
model-index:
- name: tiny
  results:
  - task:
      type: fill-mask
    dataset:
      name: python_docs
      type: python_docs
      split: validation
    metrics:
    - type: loss
      value: 5.5
      name: loss (validation)
    - type: perplexity
      value: 244.7
      name: perplexity (validation)
    - type: token_accuracy
      value: 0.21
      name: token accuracy (validation)
    - type: commonest_accuracy
      value: 0.07
      name: commonest accuracy (validation)
---

# bert_mlm: tiny

BertForMaskedLM, 17 parameters. After 20 steps (1 epoch, 9,050 tokens per second), perplexity (validation) fell from \
8,103 to 244.7 (33 times lower) and token accuracy (validation) rose from 0.01% to 21.0%.

## How it was made

By the recipe bert_mlm of genai-hf, on python_docs.

```sh
genai-hf bert_mlm model=bert_tiny
```

| setting | value |
| --- | --- |
| seed | 0 |
| data.format | python_docs |
| model.architecture | bert |
| trainer.max_steps | 20 |
| trainer.learning_rate | 0.001 |

## What it reached

| metric | value | before training | change |
| --- | ---: | ---: | --- |
| loss (validation) | 5.500 | 9 | 1.6 times lower |
| perplexity (validation) | 244.7 | 8,103 | 33 times lower |
| token accuracy (validation) | 21.0% | 0.01% | up 21.0 points |
| commonest accuracy (validation) | 7.0% | 7.0% | unchanged |
| steps | 20 | – | – |

## How to load it

```python
from transformers import AutoModelForMaskedLM, AutoTokenizer

folder = "."  # where this file lies
model = AutoModelForMaskedLM.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
```

## Versions

- python 3.11.9
- torch 2.13.1
"""


def front_matter(path):
    return ModelCard.load(path).data.to_dict()


def test_the_card_is_exactly_this(tmp_path):
    path = write_model_card(with_model(tmp_path / "bert_mlm" / "tiny", BERT))
    assert path == tmp_path / "bert_mlm" / "tiny" / "model" / "README.md"
    assert path.read_text(encoding="utf-8") == GOLDEN


def test_the_hub_reads_the_front_matter_and_the_results(tmp_path):
    card = ModelCard.load(write_model_card(with_model(tmp_path / "tiny", BERT)))
    assert card.data.library_name == "transformers"
    assert card.data.model_name == "tiny"
    assert [(result.metric_type, result.metric_value) for result in card.data.eval_results] == [
        ("loss", 5.5), ("perplexity", 244.7), ("token_accuracy", 0.21), ("commonest_accuracy", 0.07),
    ]  # fmt: skip


def test_nothing_is_invented(tmp_path):
    front = front_matter(write_model_card(with_model(tmp_path / "tiny", BERT)))
    assert front.keys() == {"library_name", "pipeline_tag", "tags", "model-index"}


@pytest.mark.parametrize(
    ("architecture", "task", "loader"),
    [
        ("BertForMaskedLM", "fill-mask", "AutoModelForMaskedLM"),
        ("LlamaForCausalLM", "text-generation", "AutoModelForCausalLM"),
        ("GPT2LMHeadModel", "text-generation", "AutoModelForCausalLM"),
        ("T5ForConditionalGeneration", None, "AutoModelForSeq2SeqLM"),
        ("BertForSequenceClassification", "text-classification", "AutoModelForSequenceClassification"),
        ("BertModel", None, "AutoModel"),
    ],
)
def test_the_architecture_gives_the_task_and_the_class_that_loads_it(tmp_path, architecture, task, loader):
    path = write_model_card(with_model(tmp_path / "run", {"architectures": [architecture]}, tokenizer=False))
    assert front_matter(path).get("pipeline_tag") == task
    code = re.search(r"```python\n(.*?)```", path.read_text(), re.DOTALL)[1]
    assert code == (
        f'from transformers import {loader}\n\nfolder = "."  # where this file lies\n'
        f"model = {loader}.from_pretrained(folder)\n"
    )


def test_an_adapter_names_its_base(tmp_path):
    adapter = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "gpt2"}
    path = write_model_card(with_model(tmp_path / "run", {"architectures": ["GPT2LMHeadModel"]}, adapter=adapter))
    front, text = front_matter(path), path.read_text()
    assert (front["library_name"], front["base_model"], front["pipeline_tag"]) == ("peft", "gpt2", "text-generation")
    assert "LORA adapter of gpt2" in text
    assert "from peft import PeftModel\nfrom transformers import AutoConfig, AutoModelForCausalLM" in text
    assert 'base = AutoModelForCausalLM.from_pretrained("gpt2", config=config, ignore_mismatched_sizes=True)' in text


def test_a_tokenizer_alone_has_a_card_too(tmp_path):
    text = write_model_card(with_model(tmp_path / "run", log=None, metrics={"tokens_per_word": 1.25})).read_text()
    assert "A tokenizer. Tokens per word is 1.250." in text
    assert 'from transformers import AutoTokenizer\n\nfolder = "."' in text
    assert "AutoModel" not in text


@pytest.mark.parametrize(
    ("name", "base"),
    [("bert-base-uncased", "bert-base-uncased"), ("google/bert", "google/bert"), ("/home/me/bert", None)],
)
def test_a_base_is_named_where_it_is_on_the_hub_and_folders_stay_private(tmp_path, name, base):
    config = CONFIG.replace("name: null", f"name: {name}")
    path = write_model_card(with_model(tmp_path / "run", BERT, config=config))
    assert front_matter(path).get("base_model") == base
    assert "/home/me" not in path.read_text()


@pytest.mark.parametrize(
    ("data", "name", "datasets"),
    [
        ("{format: hub, name: wikimedia/wikipedia}", "wikimedia/wikipedia", ["wikimedia/wikipedia"]),
        ("{format: json, path: /home/me/novels.jsonl.gz}", "novels.jsonl.gz", None),
        ("{format: python_docs}", "python_docs", None),
    ],
)
def test_the_data_is_named_without_its_folders(tmp_path, data, name, datasets):
    config = CONFIG.replace("data:\n  format: python_docs", f"data: {data}")
    path = write_model_card(with_model(tmp_path / "run", BERT, config=config))
    assert f"on {name}." in path.read_text()
    assert front_matter(path).get("datasets") == datasets
    assert "/home/me" not in path.read_text()


def test_hostile_settings_stay_in_their_cells(tmp_path):
    config = json.dumps({"recipe": "r", "data": {"format": "python_docs", "x": HOSTILE}, "model": {"name": HOSTILE}})
    path = write_model_card(with_model(tmp_path / "run", BERT, config=config, metrics=METRICS))
    assert "<img" not in path.read_text(encoding="utf-8")
    assert front_matter(path)["tags"] == ["genai-hf", "r"]


def test_a_run_without_a_model_is_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match="model: no such folder; the run has not saved a model"):
        write_model_card(write_run(tmp_path / "run"))
