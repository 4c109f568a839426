"""Results of tasks, and answers of workers."""
