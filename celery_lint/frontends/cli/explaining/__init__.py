"""Commands that explain and check nothing: the picture of a project, a guide to the patterns."""
