"""Three tokens are appended once, and no text is ever read as one of them."""

import pytest
from conftest import make_tokenizer

from genai_hf.tokenization import Marks, append_marks, load

SPELT = {"start": "[START]", "delimiter": "[DELIM]", "extract": "[EXTRACT]"}


def test_they_are_the_last_of_the_vocabulary():
    tokenizer = make_tokenizer()
    assert append_marks(tokenizer, **SPELT) == Marks(start=64, delimiter=65, extract=66, new=(64, 65, 66))
    assert len(tokenizer) == 67
    assert tokenizer.decode([64, 5, 65, 66], skip_special_tokens=True) == "w0"


def test_a_saved_tokenizer_that_has_them_keeps_them(tmp_path):
    tokenizer = make_tokenizer()
    append_marks(tokenizer, **SPELT)
    tokenizer.save_pretrained(tmp_path)
    again = load(str(tmp_path))
    assert append_marks(again, **SPELT) == Marks(start=64, delimiter=65, extract=66)
    assert append_marks(again, **SPELT | {"delimiter": "[AND]"}) == Marks(start=64, delimiter=67, extract=66, new=(67,))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"extract": "[START]"}, "start, delimiter and extract must be three different tokens, got [START], [DELIM], "),
        ({"extract": " "}, "start, delimiter and extract must be three different tokens"),
        ({"start": "w0"}, "'w0' is an ordinary word of the vocabulary; spell the token in another way"),
    ],
)
def test_what_cannot_be_a_token_is_refused_and_the_tokenizer_left_alone(changed, said):
    tokenizer = make_tokenizer()
    with pytest.raises(ValueError) as caught:
        append_marks(tokenizer, **SPELT | changed)
    assert str(caught.value).startswith(said)
    assert len(tokenizer) == 64
