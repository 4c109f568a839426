"""What calls of tasks, their results and canvases become."""
