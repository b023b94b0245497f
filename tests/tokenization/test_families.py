"""The special tokens, ids and frames are those of the published tokenizers."""

import json

import pytest
from transformers import BertTokenizer, GPT2Tokenizer, PreTrainedTokenizerFast, RobertaTokenizer, T5Tokenizer

from genai_hf.tokenization.training import train

TEXT = [
    "A sailor went to sea, sea, sea, to see what he could see, see, see.",
    "But all that he could see, see, see was the bottom of the deep blue sea, sea, sea!",
    "Élodie's café isn't cheap: 1,234 dollars\nfor two   walks.",
] * 3
SAMPLES = [*TEXT[:3], "", "  Two  spaces ", "sea<mask>", "a\n\n\tb", "naïve 中文 ☃ zebra"]


def trained(family: str, algorithm: str, lowercase: bool) -> PreTrainedTokenizerFast:
    return train(TEXT, family=family, algorithm=algorithm, lowercase=lowercase, vocab_size=420, model_max_length=64)


@pytest.fixture(scope="module")
def bert() -> PreTrainedTokenizerFast:
    return trained("bert", "wordpiece", lowercase=True)


@pytest.fixture(scope="module")
def roberta() -> PreTrainedTokenizerFast:
    return trained("roberta", "byte_bpe", lowercase=False)


@pytest.fixture(scope="module")
def gpt2() -> PreTrainedTokenizerFast:
    return trained("gpt2", "byte_bpe", lowercase=False)


@pytest.fixture(scope="module")
def t5() -> PreTrainedTokenizerFast:
    return trained("t5", "unigram", lowercase=False)


def model(tokenizer):
    return json.loads(tokenizer.backend_tokenizer.to_str())["model"]


def same_ids(ours, original):
    return [ours(text)["input_ids"] for text in SAMPLES] == [original(text)["input_ids"] for text in SAMPLES]


def test_bert_begins_with_its_five_special_tokens(bert):
    assert bert.convert_ids_to_tokens(range(5)) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    roles = [bert.pad_token_id, bert.unk_token_id, bert.cls_token_id, bert.sep_token_id, bert.mask_token_id]
    assert roles == [0, 1, 2, 3, 4]
    assert (bert.bos_token, bert.eos_token) == (None, None)


def test_bert_frames_one_text_and_two(bert):
    see, sea = bert.convert_tokens_to_ids(["see", "sea"])
    assert bert("see")["input_ids"] == [2, see, 3]
    assert dict(bert("see", "sea")) == {
        "input_ids": [2, see, 3, sea, 3],
        "token_type_ids": [0, 0, 0, 1, 1],
        "attention_mask": [1, 1, 1, 1, 1],
    }


def test_bert_cuts_as_the_original_class_does_with_the_same_vocabulary(bert):
    assert same_ids(bert, BertTokenizer(vocab=model(bert)["vocab"], do_lower_case=True))


def test_bert_with_capitals_keeps_them_and_the_accents():
    ours = trained("bert", "wordpiece", lowercase=False)
    assert same_ids(ours, BertTokenizer(vocab=model(ours)["vocab"], do_lower_case=False))
    assert ours.decode(ours("Élodie")["input_ids"], skip_special_tokens=True) == "Élodie"


def test_roberta_begins_with_four_special_tokens_and_ends_with_the_mask(roberta):
    assert roberta.convert_ids_to_tokens([0, 1, 2, 3, len(roberta) - 1]) == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    roles = [roberta.cls_token_id, roberta.sep_token_id, roberta.pad_token_id, roberta.unk_token_id]
    assert roles == [0, 2, 1, 3]
    assert [roberta.bos_token_id, roberta.eos_token_id, roberta.mask_token_id] == [0, 2, len(roberta) - 1]


def test_roberta_sets_two_ends_between_two_texts_and_has_no_token_types(roberta):
    a, b = roberta.convert_tokens_to_ids(["a", "b"])
    assert dict(roberta("a", "b")) == {"input_ids": [0, a, 2, 2, b, 2], "attention_mask": [1] * 6}


def test_roberta_s_mask_takes_the_space_before_it_along(roberta):
    the = roberta("the")["input_ids"][1:-1]
    assert roberta("the <mask>")["input_ids"] == [0, *the, roberta.mask_token_id, 2]


def test_roberta_cuts_as_the_original_class_does_with_the_same_vocabulary(roberta):
    merges = [tuple(pair) for pair in model(roberta)["merges"]]
    original = RobertaTokenizer(
        vocab=model(roberta)["vocab"], merges=merges, mask_token=roberta._special_tokens_map["mask_token"]
    )
    assert same_ids(roberta, original)


def test_gpt2_has_one_special_token_at_the_end_and_frames_nothing(gpt2):
    last = len(gpt2) - 1
    assert gpt2.convert_ids_to_tokens([0, last]) == ["!", "<|endoftext|>"]
    assert [gpt2.bos_token_id, gpt2.eos_token_id, gpt2.unk_token_id, gpt2.pad_token_id] == [last, last, last, None]
    assert gpt2.convert_ids_to_tokens(gpt2("a", "b")["input_ids"]) == ["a", "b"]


def test_gpt2_cuts_as_the_original_class_does_with_the_same_vocabulary(gpt2):
    merges = [tuple(pair) for pair in model(gpt2)["merges"]]
    assert same_ids(gpt2, GPT2Tokenizer(vocab=model(gpt2)["vocab"], merges=merges))


def test_t5_begins_with_three_special_tokens_and_ends_with_its_sentinels(t5):
    assert [t5.pad_token_id, t5.eos_token_id, t5.unk_token_id] == [0, 1, 2]
    assert t5.convert_ids_to_tokens([0, 1, 2]) == ["<pad>", "</s>", "<unk>"]
    sentinels = [f"<extra_id_{number}>" for number in range(100)]
    assert t5.convert_tokens_to_ids(sentinels) == [len(t5) - 1 - number for number in range(100)]
    assert set(sentinels) <= set(t5.all_special_tokens)


def test_t5_ends_every_text(t5):
    assert t5.convert_ids_to_tokens(t5("sea", "sea")["input_ids"]) == ["▁sea", "</s>", "▁sea", "</s>"]


def test_t5_cuts_as_the_original_class_does_with_the_same_vocabulary(t5):
    original = T5Tokenizer(vocab=[tuple(entry) for entry in model(t5)["vocab"]])
    assert same_ids(t5, original)


def test_t5_s_normaliser_joins_spaces_and_forms(t5):
    assert t5("sea ﬁsh　see")["input_ids"] == t5("sea   fish see")["input_ids"]
