"""What of a module no deployed worker runs: it is for another platform or version of Python, or for none."""
