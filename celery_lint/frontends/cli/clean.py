"""``celery-lint clean``: remove a project's cache."""

from __future__ import annotations

import os
import sys

from celery_lint import engine
from celery_lint.frontends.cli.arguments import Arguments
from celery_lint.frontends.cli.check import is_there
from celery_lint.paths import shown
from celery_lint.reports.colours import printable


def run(arguments: Arguments) -> int:
    """Remove the cache of the workspace that holds the path."""
    path = arguments.positional[0] if arguments.positional else os.curdir
    if not is_there(path):
        return 2
    removed = engine.clean(path)
    for folder in removed:
        sys.stdout.write(f"Removed the project's cache from {printable(shown(folder))}\n")
    if not removed:
        sys.stdout.write("There is no cache\n")
    return 0
