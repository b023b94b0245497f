"""Metrics: sums in, figures out."""
