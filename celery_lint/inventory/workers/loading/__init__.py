"""What workers import, and what nothing imports."""
