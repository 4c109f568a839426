"""Imports of modules that fail, and what modules lack."""
