"""What can be learned about a model or a run beside its metrics."""
