"""Procedures: one readable file a recipe, each with a `build(cfg) -> Trainer` or a `main(cfg) -> dict`."""
