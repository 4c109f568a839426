"""Commands that start workers: where a project writes them, and what a shell makes of them."""
