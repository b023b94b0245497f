"""What a run leaves to be read: its report, the comparison of a sweep, and the card of its model."""
