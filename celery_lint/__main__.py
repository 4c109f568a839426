"""``python -m celery_lint`` is the command ``celery-lint``."""

from __future__ import annotations

import sys

from celery_lint.frontends.cli import main

if __name__ == "__main__":
    sys.exit(main())
