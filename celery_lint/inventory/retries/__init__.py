"""How a project retries its tasks."""
