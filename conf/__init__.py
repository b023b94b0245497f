"""Values: one folder a group, one file a choice. No code."""
