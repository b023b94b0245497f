"""Tokenizers: files that are missing, damaged, or of another model."""

import json
from collections.abc import Sequence

from asking import Case
from model_parts import GOOD, NAMED, TOKENIZER_CONFIG, UNTRAINED, WORDS_FILE, tokenizer, without

CASES: Sequence[Case] = (
    Case(
        cause="A folder without tokenizer files",
        words=NAMED,
        files=without(GOOD, *tokenizer()),
        said="'tokenizer.name': model holds no tokenizer.json and no vocabulary; give one that save_pretrained "
        "wrote, or null to train one for a new model",
    ),
    Case(
        cause="A tokenizer.json cut short",
        words=NAMED,
        files=GOOD | {WORDS_FILE: GOOD[WORDS_FILE][:300]},
        said="'tokenizer.name': model/tokenizer.json is no JSON (…",
    ),
    Case(
        cause="A tokenizer.json of an unknown algorithm",
        words=NAMED,
        files=GOOD | {WORDS_FILE: json.dumps(json.loads(GOOD[WORDS_FILE]) | {"model": {"type": "Magic"}})},
        said="'tokenizer.name': model cannot be read (…",
    ),
    Case(
        cause="A tokenizer_config.json that is a list",
        words=NAMED,
        files=GOOD | {TOKENIZER_CONFIG: "[]"},
        said="'tokenizer.name': model/tokenizer_config.json holds no JSON object; copy it anew, or null to train "
        "one for a new model",
    ),
    Case(
        cause="More tokens than the model has",
        words=NAMED,
        files=GOOD | tokenizer(70),
        said="'tokenizer': it has 70 tokens but the model's embedding 64; give the tokenizer that belongs to the "
        "model (tokenizer.name=…)",
    ),
    Case(
        cause="No mask token for masked words",
        words=NAMED,
        files=GOOD | tokenizer(mask_token=None),
        said="masking: the tokenizer has no mask token to hide words by; take an encoder's: tokenizer=bert…",
    ),
    Case(
        cause="A new vocabulary for trained weights",
        words=(*NAMED, "tokenizer.name=null"),
        files=GOOD,
        said="'tokenizer.name': weights know one vocabulary, and null would train another; leave it out",
    ),
    Case(
        cause="A file as a tokenizer",
        words=(*UNTRAINED, f"tokenizer.name={WORDS_FILE}"),
        files=GOOD,
        said="'tokenizer.name': model/tokenizer.json is a file; give the folder in which it lies",
    ),
    Case(
        cause="A tokenizer that is not there",
        words=(*UNTRAINED, "tokenizer.name=./none"),
        files=GOOD,
        said="'tokenizer.name': ./none is no folder; give one that save_pretrained wrote, or a Hub id",
    ),
)
