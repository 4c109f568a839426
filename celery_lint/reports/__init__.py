"""The forms in which a report is shown; each module has ``write(report, stream, ...)``."""
