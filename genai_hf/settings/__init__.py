"""Settings, looked at before anything is made of them: composed, explained, checked; nothing heavy is imported."""
