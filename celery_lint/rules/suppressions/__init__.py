"""Rules of the comments that silence other rules."""
