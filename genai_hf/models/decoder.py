"""What is particular to models that read with an encoder and write with a decoder."""

from transformers import PreTrainedConfig

from genai_hf.errors import ConfigError


def decoder_start(configuration: PreTrainedConfig) -> int:
    """The token that the decoder reads first: T5's is padding, BART's the end of text.

    Raises:
        ConfigError: The checkpoint does not say.
    """
    start: int | None = configuration.to_dict().get("decoder_start_token_id")
    if start is None:
        raise ConfigError("'model': its config has no decoder_start_token_id; set model.config.decoder_start_token_id")
    return start
