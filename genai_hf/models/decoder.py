"""What is particular to models that read with an encoder and write with a decoder."""

from transformers import PreTrainedModel

from genai_hf.errors import ConfigError


def decoder_start(model: PreTrainedModel) -> int:
    """The token that the decoder reads first when it generates, so in training too: T5's is padding, BART's its end.

    Raises:
        ConfigError: The checkpoint does not say.
    """
    start: int | None = model.generation_config.decoder_start_token_id
    if start is None:
        raise ConfigError("'model': it names no decoder_start_token_id; add it to its generation_config.json")
    return start
