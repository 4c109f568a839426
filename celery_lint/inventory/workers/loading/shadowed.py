"""Modules that Python's import passes by, since it finds another of their name first.

It takes a package before a module of its name, and a module before a folder without `__init__.py`.
"""

from __future__ import annotations

import re

from celery_lint.files.filter import Pair
from celery_lint.inventory.workers.loading.unknown_imports import BY_PATH
from celery_lint.model.facts import Function, Module
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.unparsed import UnparsedTexts

# Folders whose files are started one by one.
_SCRIPTS = frozenset({"bin", "cron", "scripts", "tools"})
# What says where a module lies itself, and how a path leads out of its folder.
_OWN_PATH = "__file__"
_CLIMBING = re.compile(
    r"\.\.|\bparents\b|parent\.parent|dirname\b.*\bdirname\b|getcwd|environ|settings", re.DOTALL
)


class Shadowed:
    """The modules that stand behind others."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.unparsed = known.of(UnparsedTexts)

    @once
    def all(self) -> frozenset[str]:
        """Those of the product behind packages that nothing loads or starts by their paths."""
        loading = [self._folder(module, function) for module, function in self._loaders]
        return frozenset(
            path
            for path in self.behind_packages
            if not self._is_loaded_out_of_sight
            and _SCRIPTS.isdisjoint(path.split("/"))
            and all(folder and not path.startswith(folder) for folder in loading)
        )

    @once
    @asking("quiet")
    def is_loaded_by_path(self) -> bool:
        """Whether code may load a file whatever its name leads to."""
        return bool(self._loaders) or self._is_loaded_out_of_sight

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

    def words(self) -> set[Pair]:
        """What loads files by their paths, and the names of functions that do: who calls them says which."""
        if not self.behind_packages:
            return set()
        named = {(function.name, leaf_of(module.path)) for module, function in self._loaders if function.name}
        return named.union((word, "") for word in BY_PATH)

    # ------------------------------------------------------------------ what loads files

    @once
    def _is_loaded_out_of_sight(self) -> bool:
        return self.unparsed.hold((word, "") for word in BY_PATH)

    @once
    def _loaders(self) -> list[tuple[Module, Function]]:
        return list(self.project.calling(*BY_PATH))

    def _folder(self, module: Module, function: Function) -> str:
        """The folder that a function loads files of: its own, where it or all that call it say so."""
        folder = f"{module.path.rpartition('/')[0]}/"
        product = self.project.product_modules()
        callers = [
            (other, caller)
            for other, caller, said in self.functions.saying(product, {function.name} - {""})
            if said and caller is not function
        ]
        if any(not other.path.startswith(folder) for other, _ in callers):
            return ""
        said = [
            "\n".join((each.packed_calls, each.packed_steps)) for each in (function, *(c for _, c in callers))
        ]
        anchored = _OWN_PATH in said[0] or (len(said) > 1 and all(_OWN_PATH in text for text in said[1:]))
        return folder if anchored and not any(map(_CLIMBING.search, said)) else ""
