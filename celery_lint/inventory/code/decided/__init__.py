"""What a run decides nothing about: values that calls certainly give, and what is the same in every run."""
