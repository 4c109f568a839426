"""A linter for the way a project uses Celery.

This module stays nearly empty: every front end imports it, and a version should not cost an engine.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, whose import would be most of the time of `--version`
if TYPE_CHECKING:
    from pylint.lint import PyLinter

__version__ = "0.1.0"


def register(linter: PyLinter) -> None:
    """Give pylint our checkers: ``load-plugins = celery_lint``."""
    from celery_lint.frontends.pylint import register as register_checkers

    register_checkers(linter)
