"""What may happen in a project where nobody can look, so that what follows from its absence is not known."""
