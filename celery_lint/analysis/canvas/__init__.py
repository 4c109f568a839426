"""Signatures and canvases."""
