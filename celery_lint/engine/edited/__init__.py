"""Whether what has changed in files since the last run concerns anybody."""
