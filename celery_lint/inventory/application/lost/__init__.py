"""Commands of workers that find no application."""
