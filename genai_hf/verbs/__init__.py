"""What the command can do: one small file a verb, each with a `main(words) -> exit code`, found by listing."""
