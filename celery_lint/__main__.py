"""``python -m celery_lint`` is the command ``celery-lint``.

Python puts the working directory first on its path before any of this runs, and takes a ``celery_lint.py``
there for the linter. ``python -P -m celery_lint`` and the command look for it where it is installed.
"""

from __future__ import annotations

from celery_lint.frontends.cli import command

if __name__ == "__main__":
    command()
