"""The files of a workspace: where they lie, which are worth reading, what is kept of them."""
