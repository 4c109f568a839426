"""Those who ask the engine: the command line, flake8 and pylint."""
