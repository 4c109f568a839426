"""What the makers of a project make of the functions that they get."""
