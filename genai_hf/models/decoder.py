"""What is particular to models that write: with which token they begin, and with which they stop."""

from torch import nn
from transformers import PreTrainedModel

from genai_hf.errors import ConfigError
from genai_hf.models.virtual import free_positions


def decoder_start(model: PreTrainedModel) -> int:
    """The token that the decoder reads first when it generates, so in training too: T5's is padding, BART's its end.

    Raises:
        ConfigError: The checkpoint does not say.
    """
    start: int | None = model.generation_config.decoder_start_token_id
    if start is None:
        raise ConfigError("'model': it names no decoder_start_token_id; add it to its generation_config.json")
    return start


def require_padding_first(model: PreTrainedModel, pad_token_id: int) -> None:
    """Refuse a model whose decoder does not read padding first, as T5's does and span corruption is written for.

    Raises:
        ConfigError: It reads another token first.
    """
    start = decoder_start(model)
    if start != pad_token_id:
        raise ConfigError(
            f"'model': its decoder begins with token {start}, and T5's with padding ({pad_token_id}); take a T5"
        )


def require_room(model: nn.Module, length: int, new: int) -> None:
    """Refuse a model that has no positions for the longest prompt and what is written after it.

    Raises:
        ConfigError: It has fewer.
    """
    room = free_positions(model)
    if room is not None and length + new > room:
        raise ConfigError(
            f"'decoding.max_new_tokens': {new} after prompts of up to {length} tokens exceed the model's {room} "
            f"positions; say sequence_length={max(room - new, 1)}, or write fewer"
        )


def stop_at(model: PreTrainedModel, end: int, pad_token_id: int) -> None:
    """Have a model stop at `end`, as it was taught to, beside the tokens that it stops at already.

    Args:
        model: Its generation settings are changed, and saved with it.
        end: The token that ends what it is to say.
        pad_token_id: What fills up what it has said, where it names no other.
    """
    own = model.generation_config.eos_token_id
    known = own if isinstance(own, list) else [own]
    ends = [end, *(token for token in known if token not in {None, end})]
    model.generation_config.eos_token_id = ends if len(ends) > 1 else end
    if model.generation_config.pad_token_id is None:
        model.generation_config.pad_token_id = pad_token_id
