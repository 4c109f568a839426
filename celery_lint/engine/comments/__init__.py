"""What comments in a file silence: those of flake8, and our own."""
