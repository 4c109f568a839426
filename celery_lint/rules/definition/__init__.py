"""Rules about how tasks are defined."""
