"""Special tokens that a recipe cannot do without."""

from transformers import PreTrainedTokenizerFast

from genai_hf.errors import ConfigError


def end_of_text(tokenizer: PreTrainedTokenizerFast) -> int:
    """Id of the token that ends a text.

    Raises:
        ConfigError: The tokenizer has none.
    """
    if tokenizer.eos_token_id is None:
        raise ConfigError("'tokenizer': it has no token that ends a text; take another, such as tokenizer=gpt2")
    return int(tokenizer.eos_token_id)
