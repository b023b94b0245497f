"""Weights: what is cut short, missing, of another shape, or no safetensors."""

from collections.abc import Sequence

import numpy as np
from asking import Case
from model_parts import (
    GOOD,
    INDEX,
    NAMED,
    PICKLE,
    TEXTS,
    WEIGHTS,
    WIDTH,
    bert,
    flipped,
    in_shards,
    with_weights,
    without,
)

LAYER = "bert__encoder__layer__0__output__dense"
NAN = np.full((WIDTH,), np.nan, np.float32)

# A bit flipped in the numbers of somebody else's file cannot be seen: safetensors has no checksum. In what a run left
# it is, for the run's manifest has one; both stand below.
CASES: Sequence[Case] = (
    Case(
        cause="Weights cut short",
        words=NAMED,
        files=GOOD | {WEIGHTS: GOOD[WEIGHTS][:-100]},
        said="'model.name': model/model.safetensors is no whole safetensors file (…",
    ),
    Case(
        cause="Weights cut within their header",
        words=NAMED,
        files=GOOD | {WEIGHTS: GOOD[WEIGHTS][:100]},
        said="'model.name': model/model.safetensors is no whole safetensors file (…",
    ),
    Case(
        cause="An empty file of weights",
        words=NAMED,
        files=GOOD | {WEIGHTS: b""},
        said="'model.name': model/model.safetensors is no whole safetensors file (…",
    ),
    Case(
        cause="A bit flipped in the header",
        words=NAMED,
        files=GOOD | {WEIGHTS: flipped(GOOD[WEIGHTS], 8, 2)},
        said="'model.name': model/model.safetensors is no whole safetensors file (…",
    ),
    Case(
        cause="A header of 2^60 bytes",
        words=NAMED,
        files=GOOD | {WEIGHTS: (2**60).to_bytes(8, "little") + GOOD[WEIGHTS][8:]},
        said="'model.name': model/model.safetensors is no whole safetensors file (…",
    ),
    Case(
        cause="A layer's weights missing",
        words=NAMED,
        files=with_weights(GOOD, **{f"{LAYER}__weight": None, f"{LAYER}__bias": None}),
        said="'model.name': model lacks bert.encoder.layer.0.output.dense.bias and 1 more in this shape; its files"
        " are cut short, or model.config asks for other sizes",
    ),
    Case(
        cause="Half of a head missing",
        words=NAMED,
        files=with_weights(GOOD, cls__predictions__transform__dense__bias=None),
        said="'model.name': model lacks cls.predictions.transform.dense.bias in this shape; its files are cut "
        "short, or model.config asks for other sizes",
    ),
    Case(
        cause="Weights of another shape",
        words=NAMED,
        files=with_weights(GOOD, **{f"{LAYER}__weight": (4, 4)}),
        said="'model.name': model: bert.encoder.layer.0.output.dense.weight is (4, 4) in its files and (8, 8) by "
        "its config.json and model.config; make these agree",
    ),
    Case(
        cause="Weights of more layers",
        words=NAMED,
        files=bert(layers=2) | TEXTS,
        said="'model.name': model: its files hold bert.encoder.layer.1, and its config.json and model.config are "
        "of fewer layers; make these agree",
    ),
    Case(
        cause="Weights of fewer layers",
        words=NAMED,
        files=bert(num_hidden_layers=2) | TEXTS,
        said="'model.name': model lacks bert.encoder.layer.1.attention.output.LayerNorm.bias and 15 more in this "
        "shape; its files are cut short, or model.config asks for other sizes",
    ),
    Case(
        cause="Weights that are no numbers",
        words=NAMED,
        files=with_weights(GOOD, **{f"{LAYER}__bias": NAN}),
        said="'model.name': model: bert.encoder.layer.0.output.dense.bias holds what is no finite number; name "
        "another checkpoint",
    ),
    Case(
        cause="A shard missing",
        words=NAMED,
        files=without(in_shards(GOOD), "model/model-00002-of-00002.safetensors"),
        said="'model.name': model lacks model-00002-of-00002.safetensors, which its index names; copy it anew",
    ),
    Case(
        cause="An index that leads out of the folder",
        words=NAMED,
        files=in_shards(GOOD, a="../other.safetensors"),
        said="'model.name': model/model.safetensors.index.json names ../other.safetensors, which is no file of "
        "this folder; give a folder that save_pretrained wrote",
    ),
    Case(
        cause="An index without names",
        words=NAMED,
        files=in_shards(GOOD) | {INDEX: "{}"},
        said="'model.name': model/model.safetensors.index.json has no 'weight_map'; give a folder that "
        "save_pretrained wrote",
    ),
    Case(
        cause="A pickle as the only weights",
        words=NAMED,
        files=without(GOOD, WEIGHTS) | {"model/pytorch_model.bin": PICKLE},
        said="'model.name': model holds no model.safetensors, only pytorch_model.bin: a pickle, which may run code"
        " when it is read; have it saved anew where it can be trusted, by save_pretrained",
    ),
    Case(
        cause="No weights",
        words=NAMED,
        files=without(GOOD, WEIGHTS),
        said="'model.name': model holds no model.safetensors; give a folder that save_pretrained wrote",
    ),
)
