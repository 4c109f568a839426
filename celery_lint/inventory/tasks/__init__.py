"""The tasks of a project: what makes them, their options, and where they are registered."""
