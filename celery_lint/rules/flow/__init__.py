"""Rules about retries, exceptions and what becomes of a task's result."""
