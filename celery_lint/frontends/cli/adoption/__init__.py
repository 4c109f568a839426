"""A project that has diagnostics already: baselines, lines since a revision, comments that are added."""
