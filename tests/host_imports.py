"""Imported, it has imported what flake8, pylint and our own command do: for those that are forked."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import suppress

import celery_lint

for _module in pkgutil.walk_packages(celery_lint.__path__, "celery_lint."):
    if not _module.name.startswith(("celery_lint.runtime", "celery_lint.__main__")):
        with suppress(ImportError):  # what is not installed
            importlib.import_module(_module.name)

with suppress(ImportError):
    pass

with suppress(ImportError):
    import astroid
    import pylint.checkers
    import pylint.lint
    import pylint.reporters.json_reporter

    for _module in pkgutil.iter_modules(pylint.checkers.__path__, "pylint.checkers."):
        importlib.import_module(_module.name)
    astroid.parse("")  # what is built in is known from then on
