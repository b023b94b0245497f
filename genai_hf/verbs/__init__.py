"""What the command can do: one small file a verb, each with a `main(words) -> exit code`, found by listing."""

import pkgutil


def known() -> set[str]:
    """Names of the verbs."""
    return {module.name for module in pkgutil.iter_modules(__path__)}
