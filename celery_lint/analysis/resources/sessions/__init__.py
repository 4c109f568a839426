"""What becomes of sessions: shared, kept, left open, used after a failure."""
