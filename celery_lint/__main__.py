"""``python -m celery_lint`` is the command ``celery-lint``."""

from __future__ import annotations

from celery_lint.frontends.cli import command

if __name__ == "__main__":
    command()
