"""What of a module no deployed worker runs: it is for another platform, or for another version of Python."""
