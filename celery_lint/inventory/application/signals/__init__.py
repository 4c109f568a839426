"""The signals of Celery, and what is connected to them."""
