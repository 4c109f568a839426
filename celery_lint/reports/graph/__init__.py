"""The forms in which a graph of tasks is shown."""
