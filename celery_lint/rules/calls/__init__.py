"""Calls of tasks."""
