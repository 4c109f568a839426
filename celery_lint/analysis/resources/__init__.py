"""The facts that the rules about engines, sessions and clients ask for."""
