"""Special tokens that a recipe cannot do without."""

from transformers import PreTrainedTokenizerFast

from genai_hf.errors import ConfigError


def end_of_text(tokenizer: PreTrainedTokenizerFast) -> int:
    """Id of the token that ends a text.

    Raises:
        ConfigError: The tokenizer has none.
    """
    if tokenizer.eos_token_id is None:
        remedy = "take a decoder's, such as tokenizer=gpt2"
        raise ConfigError(f"'tokenizer': it has no token that ends a text, as no encoder's has; {remedy}")
    return int(tokenizer.eos_token_id)
