"""Coroutines, event loops and worker pools."""
