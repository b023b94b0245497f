"""Training gives the promised vocabulary, the same one every time, and survives being saved."""

from itertools import product

import pytest
from transformers import AutoTokenizer, BertConfig, GPT2Config, RobertaConfig, T5Config

from genai_hf.errors import DataError
from genai_hf.tokenization.training import train

RHYME = [
    "A sailor went to sea, sea, sea, to see what he could see, see, see;",
    "but all that he could see, see, see was the bottom of the deep blue sea, sea, sea.",
]
TEXT = RHYME * 2 + ["Walk, walks, walked, walking: talkers talk and walkers walk (10 or 20 of them)."] * 2
RICH = [" ".join("".join(syllables) for syllables in product(("ba", "de", "ki", "lo", "mu"), repeat=3))] * 2
KINDS = [
    ("bert", "wordpiece"),
    ("bert", "bpe"),
    ("bert", "byte_bpe"),
    ("bert", "unigram"),
    ("roberta", "byte_bpe"),
    ("gpt2", "byte_bpe"),
    ("t5", "unigram"),
    ("t5", "bpe"),
]
CONFIGS = {"bert": BertConfig, "roberta": RobertaConfig, "gpt2": GPT2Config, "t5": T5Config}
every_kind = pytest.mark.parametrize(("family", "algorithm"), KINDS)


def test_wordpiece_of_two_words_is_spelled_out():
    tokenizer = train(["ab ab, abc"], vocab_size=30)
    assert tokenizer.convert_ids_to_tokens(range(len(tokenizer))) == [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
        *(",", "a", "b", "c", "##a", "##b", "##c"),
        "ab",
    ]  # abc occurs once only


def test_a_rare_pair_is_merged_where_one_occurrence_is_enough():
    assert "abc" in train(["ab ab, abc"], vocab_size=30, min_frequency=1).get_vocab()


def test_what_the_text_lacks_is_filled_up_with_unused_entries():
    tokenizer = train(["ab ab, abc"], vocab_size=30, multiple_of=8)
    assert len(tokenizer) == 16
    assert tokenizer.convert_ids_to_tokens([12, 13, 14, 15]) == ["ab", "[unused0]", "[unused1]", "[unused2]"]
    assert tokenizer.tokenize("[unused0]") != ["[unused0]"]


def test_unused_entries_stand_before_the_sentinels():
    tokenizer = train(["ab ab abc"], family="t5", algorithm="bpe", vocab_size=200, multiple_of=64)
    assert len(tokenizer) == 128
    assert tokenizer.convert_ids_to_tokens([27, 28, 127]) == ["[unused18]", "<extra_id_99>", "<extra_id_0>"]


@every_kind
def test_the_vocabulary_has_exactly_the_size_asked_for_rounded_up(family, algorithm):
    special = {"bert": 5, "roberta": 5, "gpt2": 1, "t5": 103}[family]
    size = special + (280 if algorithm == "byte_bpe" else 30)
    assert len(train(RICH, family=family, algorithm=algorithm, vocab_size=size)) == size
    rounded = train(RICH, family=family, algorithm=algorithm, vocab_size=size, multiple_of=8)
    assert len(rounded) == {285: 288, 281: 288, 35: 40, 133: 136}[size]
    assert "[unused0]" not in rounded.get_vocab()


@every_kind
def test_training_twice_gives_the_same_bytes(family, algorithm):
    once, again = (train(TEXT, family=family, algorithm=algorithm, vocab_size=300) for _ in range(2))
    assert once.backend_tokenizer.to_str() == again.backend_tokenizer.to_str()


@every_kind
def test_the_ids_are_dense_and_unique(family, algorithm):
    tokenizer = train(TEXT, family=family, algorithm=algorithm, vocab_size=300)
    assert sorted(tokenizer.get_vocab().values()) == list(range(len(tokenizer)))


@every_kind
def test_a_saved_tokenizer_is_read_again_as_it_was(family, algorithm, tmp_path):
    before = train(TEXT, family=family, algorithm=algorithm, vocab_size=300, multiple_of=64, model_max_length=12)
    before.save_pretrained(tmp_path)
    CONFIGS[family]().save_pretrained(tmp_path)  # beside a model, transformers has a class of its own in mind
    after = AutoTokenizer.from_pretrained(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert after.backend_tokenizer.to_str() == before.backend_tokenizer.to_str()
    assert after.special_tokens_map == before.special_tokens_map
    assert after.all_special_ids == before.all_special_ids
    assert after.model_input_names == before.model_input_names
    assert (after.model_max_length, after.padding_side, after.truncation_side) == (12, "right", "right")
    pair = ("Élodie went, 中!", "to  sea\n")
    assert dict(after(*pair, truncation=True)) == dict(before(*pair, truncation=True))
    assert len(after(TEXT[0], truncation=True)["input_ids"]) == 12


@every_kind
def test_known_text_comes_back_and_nothing_in_it_is_unknown(family, algorithm):
    tokenizer = train(TEXT, family=family, algorithm=algorithm, lowercase=False, vocab_size=300)
    ids = tokenizer(TEXT[0], add_special_tokens=False)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids).replace(" ", "") == TEXT[0].replace(" ", "")


@pytest.mark.parametrize("family", ["roberta", "gpt2"])
def test_bytes_spell_any_text_exactly(family):
    tokenizer = train(TEXT, family=family, algorithm="byte_bpe", lowercase=False, vocab_size=300)
    text = "  Σίσυφος 中文\t☃\n\nzebra "
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_bert_s_bpe_merges_in_order_where_wordpiece_takes_the_longest_piece_first():
    pieces, merged = (train(["xbc ybc zbc ab ab"], algorithm=name, vocab_size=30) for name in ("wordpiece", "bpe"))
    assert pieces.get_vocab() == merged.get_vocab()
    assert {"ab", "##bc"} <= set(pieces.get_vocab())
    assert pieces.tokenize("abc") == ["ab", "##c"]
    assert merged.tokenize("abc") == ["a", "##bc"]


@pytest.mark.parametrize("algorithm", ["wordpiece", "bpe", "byte_bpe", "unigram"])
def test_lowercase_makes_capitals_small(algorithm):
    tokenizer = train(TEXT, algorithm=algorithm, vocab_size=300)
    assert tokenizer.tokenize("WALK") == tokenizer.tokenize("walk")


@pytest.mark.parametrize("algorithm", ["wordpiece", "bpe", "unigram"])
def test_only_the_commonest_characters_are_kept(algorithm):
    tokenizer = train(["aaab ab ba☃ab c"], algorithm=algorithm, vocab_size=40, limit_alphabet=3, min_frequency=1)
    assert not {"c", "☃", "##c"} & set(tokenizer.get_vocab())  # the space is the third
    assert tokenizer.unk_token_id in tokenizer("c")["input_ids"]


def test_an_iterator_will_do_for_documents():
    assert train(iter(TEXT), vocab_size=120).get_vocab() == train(TEXT, vocab_size=120).get_vocab()


@pytest.mark.parametrize(("family", "algorithm"), [("t5", "bpe"), ("t5", "unigram")])
def test_a_special_token_s_name_in_the_text_is_no_piece(family, algorithm):
    tokenizer = train(["</s> <pad> sea"] * 9, family=family, algorithm=algorithm, vocab_size=130, min_frequency=1)
    assert tokenizer.convert_tokens_to_ids(["<pad>", "</s>", "<unk>"]) == [0, 1, 2]
    assert sorted(tokenizer.get_vocab().values()) == list(range(len(tokenizer)))


def test_a_word_without_end_does_not_kill_unigram():
    tokenizer = train(["sea see " * 9, "ab" * 50_000], family="t5", algorithm="unigram", vocab_size=120)
    assert tokenizer.decode(tokenizer("sea see", add_special_tokens=False)["input_ids"]) == "sea see"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vocab_size": 20}, "vocab_size 20 is too small: the alphabet alone has 52 pieces and family bert 5 special "
         "tokens; give at least 57, or keep fewer characters with limit_alphabet"),
        ({"vocab_size": 256, "algorithm": "byte_bpe", "family": "gpt2"}, "vocab_size 256 is too small: the alphabet "
         "alone has 256 pieces and family gpt2 1 special tokens; give at least 257"),
        ({"family": "gpt2"}, "algorithm wordpiece does not suit family gpt2; take byte_bpe"),
        ({"family": "t5", "algorithm": "byte_bpe"}, "algorithm byte_bpe does not suit family t5; take unigram or bpe"),
        ({"multiple_of": 0}, "multiple_of must be at least 1, got 0"),
        ({"min_frequency": 0}, "min_frequency must be at least 1, got 0"),
        ({"limit_alphabet": 1}, "limit_alphabet 1 keeps only what stands between words; give at least 2"),
        ({"limit_alphabet": 0}, "limit_alphabet must be at least 1, got 0"),
        ({"model_max_length": 0}, "model_max_length must be at least 1, got 0"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_in_one_line(settings, message):
    with pytest.raises(ValueError) as refusal:
        train(TEXT, **settings)
    assert str(refusal.value) == message


def test_a_vocabulary_of_exactly_the_alphabet_is_enough():
    assert len(train(TEXT, vocab_size=57)) == 57


@pytest.mark.parametrize("documents", [[], [""], [" \n", "\t"]])
@pytest.mark.parametrize("algorithm", ["wordpiece", "byte_bpe", "unigram"])
def test_a_corpus_without_text_is_refused(documents, algorithm):
    with pytest.raises(DataError) as refusal:
        train(documents, algorithm=algorithm)
    assert str(refusal.value) == "there is no text to train a tokenizer on; give data with at least one word"
