"""Objects that several event loops use, one after another or at the same time."""
