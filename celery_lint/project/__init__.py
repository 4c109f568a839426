"""What a name means once all modules are linked."""
