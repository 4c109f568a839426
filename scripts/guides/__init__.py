"""Guides whose code comes from the rules, and whose figures come from the proofs."""
