"""How the text of a module becomes facts."""
