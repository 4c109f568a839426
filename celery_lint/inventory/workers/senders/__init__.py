"""Who may send a task without being seen to, and whom a word means."""
