"""Facts about applications and their settings."""
