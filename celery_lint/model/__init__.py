"""What one module says, in Celery's own words, without knowing any other module."""
