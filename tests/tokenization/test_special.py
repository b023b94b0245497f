"""Special tokens that a recipe cannot do without."""

import pytest

from genai_hf.errors import ConfigError
from genai_hf.tokenization import end_of_text, train


def test_the_end_of_a_text_is_the_tokenizers_own_and_one_without_is_refused(tokenizer):
    bytes_only = train(["a text"] * 3, algorithm="byte_bpe", family="gpt2", vocab_size=280, lowercase=False)
    assert end_of_text(bytes_only) == bytes_only.convert_tokens_to_ids("<|endoftext|>")
    with pytest.raises(ConfigError, match="has no token that ends a text"):
        end_of_text(tokenizer)
