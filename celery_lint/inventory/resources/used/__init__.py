"""Whether anything is done by what objects hold."""
