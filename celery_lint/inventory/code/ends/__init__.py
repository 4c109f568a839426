"""Where a function ends for certain, so that what stands behind is never reached."""
