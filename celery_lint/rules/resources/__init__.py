"""Engines, sessions and clients."""
