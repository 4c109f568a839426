"""Modules that workers could import, and that nothing has in use."""
