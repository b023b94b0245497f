"""Heads of an objective's own on top of any model, read within the model's forward pass.

A head that is called after the forward pass is one that DDP does not wait for and FSDP has not gathered. So it belongs
to the model, as one more module of it, and runs in a hook on the trunk's output.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from accelerate.utils import extract_model_from_parallel
from peft import PeftModel
from torch import Tensor, nn
from transformers import PreTrainedModel

from genai_hf.errors import ConfigError
from genai_hf.models.bare import bare
from genai_hf.models.fresh import mark


def attach(model: PreTrainedModel, name: str, head: nn.Module) -> None:
    """Make `head` a module of `model`, so that it is trained, moved, sharded and checkpointed with it.

    Args:
        model: Any model of transformers.
        name: Of the new module.
        head: Called with the trunk's last hidden states, by `attached`.

    Raises:
        ValueError: The model has something of that name.
    """
    if name in {*dict(model.named_children()), *vars(model)}:
        raise ValueError(f"{type(model).__name__} has a {name} of its own")
    model.add_module(name, head)
    mark(model, [name])


@contextmanager
def attached(
    model: nn.Module, name: str, read: Callable[[nn.Module, Tensor], Tensor], *, of_decoder: bool = False
) -> Iterator[list[Tensor]]:
    """Within this context every forward pass of `model` reads its attached head too.

    Args:
        model: With a head called `name`, wrapped for several processes or not.
        name: As `attach` was given.
        read: Given the head and the trunk's last hidden states (B, T, H), gives the head's output.
        of_decoder: Whether the trunk is the model's decoder, which some, such as OPT, call without their base model.

    Yields:
        A list that holds the output of each forward pass so far.

    Raises:
        ConfigError: The model does not call its trunk.
    """
    alone = bare(model)
    head, outputs = alone.get_submodule(name), list[Tensor]()
    trunk = alone.get_decoder() if of_decoder else alone.base_model
    handle = trunk.register_forward_hook(lambda _, __, states: outputs.append(read(head, states[0])))
    try:
        yield outputs
    finally:
        handle.remove()
    if not outputs:
        raise ConfigError(f"'model': {type(alone).__name__} does not call its trunk by itself; take another")


@contextmanager
def left_out(model: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """Within this context `save_pretrained` leaves out what only training needs: the attached heads called `names`."""
    if not names:
        yield
        return
    alone, adapted = bare(model), extract_model_from_parallel(model)
    keys = {f"{name}.{key}" for name in names for key in alone.get_submodule(name).state_dict()}
    if isinstance(adapted, PeftModel):  # whose files hold what there is of its layers
        with _taken_off(adapted, alone, names):
            yield
        return
    alone._keys_to_ignore_on_save |= keys
    try:
        yield
    finally:
        alone._keys_to_ignore_on_save -= keys


@contextmanager
def _taken_off(adapted: PeftModel, alone: PreTrainedModel, names: Sequence[str]) -> Iterator[None]:
    """Within this context heads are no part of an adapted model."""
    settings = adapted.active_peft_config
    heads, listed = {name: alone.get_submodule(name) for name in names}, settings.modules_to_save
    settings.modules_to_save = [name for name in listed or () if name not in heads] or None
    for name in heads:
        delattr(alone, name)
    try:
        yield
    finally:
        for name, head in heads.items():
            alone.add_module(name, head)
        settings.modules_to_save = listed
