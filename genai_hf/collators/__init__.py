"""Collators: rows in, one batch of tensors out."""
