"""Calls of tasks, their results and canvases."""
