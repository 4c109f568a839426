"""Whom the requests of a function ask, and by which session."""
