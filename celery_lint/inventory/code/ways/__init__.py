"""What the ways from tasks to functions leave out, for what they are certain to give."""
