"""What runs in a task, and on which event loop."""
