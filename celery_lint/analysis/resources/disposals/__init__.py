"""What tasks dispose of, when, and whether it holds."""
