"""Write a run's adapter and its base as one model of 16 bits: genai-hf merge RUN [--dtype bfloat16].

genai-hf merge outputs/glue/NAME       writes outputs/glue/NAME/merged, which loads as any model does
--dtype bfloat16 | float16 | float32   of its weights; bfloat16 unless another is named
"""

import argparse
from pathlib import Path

from genai_hf import arguments, places, run_log
from genai_hf.errors import ConfigError

DTYPES = ("bfloat16", "float16", "float32")


def main(words: list[str]) -> int:
    """Write the model, and say how far its outputs are from those of the adapter.

    Raises:
        ConfigError: There is no such run, or it has no adapter.
    """
    parser = argparse.ArgumentParser(prog="genai-hf merge", add_help=False)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--dtype", default="bfloat16")
    parser.error = arguments.refuse  # type: ignore[method-assign]
    asked = parser.parse_args(words)
    if asked.run is None:
        raise ConfigError("name a run with an adapter, such as outputs/glue/…")
    if asked.dtype not in DTYPES:
        raise ConfigError(f"--dtype must be {', '.join(DTYPES)}, got {asked.dtype}")
    if not (asked.run / "model" / "adapter_config.json").is_file():
        raise ConfigError(f"{asked.run} holds no adapter; name a run of peft=lora or the like that has finished")
    target = asked.run / places.MERGED
    if target.exists():
        raise ConfigError(f"{target} exists; remove it first")
    with run_log.quiet():
        from genai_hf.models.merging import merge
        from genai_hf.reports.model_card import write_model_card

        found = merge(asked.run / "model", target, asked.dtype)
    if found.restored:
        print("the adapter was trained beside weights of few bits, and is merged into those that they were made of:")
    print(
        f"{target}: {found.parameters:,} parameters in {asked.dtype}; on {found.rows} random rows its outputs, up to "
        f"{found.scale:.3g}, are off the adapter's by {found.largest:.3g} at most and {found.typical:.3g} on average"
    )
    if (asked.run / places.RUN).is_file():
        write_model_card(asked.run, places.MERGED)
    return 0
