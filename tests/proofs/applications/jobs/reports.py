"""A module with a task."""

from __future__ import annotations

from celery import shared_task


@shared_task
def weekly() -> None:
    """Is known where this module is imported."""
