"""What calls of tasks become."""
