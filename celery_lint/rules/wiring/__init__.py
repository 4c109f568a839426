"""Names, registration and the bridge to a scheduler."""
