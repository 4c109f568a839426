"""What becomes of schedules."""
