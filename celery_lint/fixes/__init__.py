"""Automatic edits: how the text changes that a rule speaks of.

They are made on demand, from the text and its syntax tree, so that a run that fixes nothing pays nothing.
"""
