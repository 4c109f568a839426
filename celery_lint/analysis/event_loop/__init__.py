"""The facts that the rules about event loops ask for."""
