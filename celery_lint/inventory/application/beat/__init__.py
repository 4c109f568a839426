"""What beat goes by: crontabs and their fields, and the scheduler that it runs with."""
