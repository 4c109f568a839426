"""The rules: one file each, found by being here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery_lint.rule import Rule

_registry: list[type[Rule]] = []
_file_names: list[tuple[str, str]] = []


def names_by_file() -> list[tuple[str, str]]:
    """Code and name of every rule by the names of the files, ``cel110_asyncio_run_in_task.py``.

    No rule is imported. Where the package is no folder, but in an archive, nothing is found.
    """
    if not _file_names:
        stems = (name.rpartition(".")[2].partition("_") for name in _module_names())
        _file_names.extend((code.upper(), name.replace("_", "-")) for code, _, name in stems)
    return _file_names


def _module_names() -> list[str]:
    """The modules of the rules, where they are files."""
    found: list[str] = []
    try:
        for folder in __path__:
            for family in sorted(os.listdir(folder)):
                if "." not in family and family != "__pycache__":
                    names = sorted(os.listdir(f"{folder}/{family}"))
                    stems = [name[:-3] for name in names if name.startswith("cel") and name.endswith(".py")]
                    found += [f"{__name__}.{family}.{stem}" for stem in stems]
    except OSError:
        return []
    return found


def all_rules() -> list[type[Rule]]:
    """Every rule of the package, by code. To be a module of ``celery_lint.rules`` is enough."""
    if not _registry:
        import importlib

        from celery_lint.rule import Rule

        names = _module_names()
        if not names:  # not before: it imports `inspect`
            import pkgutil

            names = [module.name for module in pkgutil.walk_packages(__path__, f"{__name__}.")]
        found: list[type[Rule]] = []
        for name in names:
            module = importlib.import_module(name)
            for value in vars(module).values():
                if (
                    isinstance(value, type)
                    and issubclass(value, Rule)
                    and value is not Rule
                    and value.__module__ == module.__name__
                ):
                    found.append(value)
        _registry.extend(sorted(found, key=lambda rule: rule.code))
    return _registry
