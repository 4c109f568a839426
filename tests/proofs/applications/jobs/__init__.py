"""A package whose tasks stand in a module of another name than ``tasks``."""
