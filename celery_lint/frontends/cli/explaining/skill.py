"""``celery-lint skill``: a guide to tasks that work, for coding assistants and new colleagues.

The text is made from the rules, the proofs and the runtime by ``scripts/generate.py``.
"""

from __future__ import annotations

import os

from celery_lint.frontends.cli.arguments import Arguments, UsageError
from celery_lint.frontends.cli.writing import write
from celery_lint.paths import shown
from celery_lint.reports.colours import printable

_NAME = "SKILL.md"


def run(arguments: Arguments) -> int:
    """Print the guide, or write it into a folder that may be new; returns the exit code."""
    with open(os.path.join(os.path.dirname(__file__), "skill.md"), encoding="utf-8") as file:
        text = file.read()
    folder = arguments.flags.get("--write")
    if folder is None:
        write(text, "")
        return 0
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {printable(shown(folder))}: {error.strerror or error}") from None
    path = os.path.join(folder, _NAME)
    write(text, path)
    write(f"{printable(shown(path))}\n", "")
    return 0
