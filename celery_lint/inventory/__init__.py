"""What a project has, in Celery's own words."""
