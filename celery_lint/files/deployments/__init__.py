"""Files that list all processes of a deployment, and what becomes of those that no file is there of."""
