"""Rules about applications and their settings."""
