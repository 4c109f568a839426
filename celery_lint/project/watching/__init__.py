"""Who has looked at what of the functions of one module, so that a change in it costs what it touches."""
