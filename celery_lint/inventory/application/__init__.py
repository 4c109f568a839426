"""The applications of a project, their settings and their broker."""
