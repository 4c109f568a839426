"""What becomes of the way in which a task is defined."""
