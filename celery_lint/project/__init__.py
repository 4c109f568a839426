"""What all modules say together: where the project lies, how its modules import each other."""
