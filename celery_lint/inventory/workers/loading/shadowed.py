"""Modules that Python's import passes by, since it finds another of their name first.

It takes a package before a module of its name, and a module before a folder without `__init__.py`.
"""

from __future__ import annotations

from celery_lint.inventory.workers.loading.unknown_imports import BY_PATH
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once

# Folders whose files are started one by one.
_SCRIPTS = frozenset({"bin", "cron", "scripts", "tools"})


class Shadowed:
    """The modules that stand behind others."""

    def __init__(self, known: Known) -> None:
        self.project = known.project

    @once
    @asking("quiet")
    def all(self) -> frozenset[str]:
        """Those of the product behind packages, where nothing loads or starts files by their paths."""
        if self.is_loaded_by_path:
            return frozenset()
        return frozenset(path for path in self.behind_packages if _SCRIPTS.isdisjoint(path.split("/")))

    @once
    @asking("quiet")
    def is_loaded_by_path(self) -> bool:
        """Whether code may load a file whatever its name leads to."""
        return any(True for _ in self.project.calling(*BY_PATH))

    @once
    @asking("quiet")
    def behind_packages(self) -> frozenset[str]:
        """The modules of the product with a package of their name beside them."""
        files = self.project.imports.files
        return frozenset(
            module.path
            for module in self.project.product_modules()
            if f"{module.path.removesuffix('.py')}/__init__.py" in files
        )

    def is_behind_module(self, path: str) -> bool:
        """Whether a module has the name of its folder, no package, and nothing imports it otherwise."""
        folder, _, leaf = path.removesuffix(".py").rpartition("/")
        files = self.project.imports.files
        if f"{folder}.py" not in files or f"{folder}/__init__.py" in files:
            return False
        within = f"{folder.rpartition('/')[2]}.{leaf}"
        return not any(
            leaf in dotted.rsplit(".", 2)[-2:] and within not in dotted
            for module in self.project.modules.values()
            for dotted in module.all_imports
        )
