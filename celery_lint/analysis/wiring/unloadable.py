"""Commands of workers whose ``-A`` leads to no application, so that the worker ends before it starts.

Celery imports what ``-A`` names from the folder that it is started in: ``package.module``,
``package.module:name`` or ``package.module.name``, and of a package also its module ``celery``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.facts import Module
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts

Why = Literal["module", "attribute"]


class Wrong(NamedTuple):
    """A command whose ``-A`` leads nowhere: there is no such ``module``, or no such ``attribute`` of one."""

    command: WorkerCommand
    why: Why


class Unloadable(NamedTuple):
    """An application that workers mean and do not reach, as ``-A`` names it, and their commands."""

    application: Application
    meant: str
    first: Wrong
    others: tuple[Wrong, ...]


class UnloadableCommands:
    """The commands of launch files that no worker survives."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.imports = known.project.imports
        self.applications = known.of(Applications)

    @facts
    def unloadable(self) -> list[Unloadable]:
        """The commands without an application, once for the application that is nearest to them."""
        found: dict[Key, tuple[Application, str, list[Wrong]]] = {}
        for command in self.project.deployment.commands:
            why = self.why(command)
            if why is not None:
                application, meant = self._meant(command)[0]
                found.setdefault(application.origin, (application, meant, []))[2].append(Wrong(command, why))
        return [Unloadable(app, meant, wrong[0], tuple(wrong[1:])) for app, meant, wrong in found.values()]

    def explore(self) -> None:
        """Look into the modules that commands name."""
        _ = self.unloadable

    def why(self, command: WorkerCommand) -> Why | None:
        """Why a command finds no application, where that is certain."""
        dotted, colon, name = command.app.partition(":")
        if not all(part.isidentifier() for part in dotted.split(".")) or not self._meant(command):
            return None
        if not colon:
            if self.imports.holding(dotted) or self.imports.holding(f"{dotted}.celery"):
                return None
            module, _, name = dotted.rpartition(".")
        else:
            module = dotted
        paths = [path for folder in self.imports.holding(module) for path in self._files(folder, module)]
        if not all(self._lacks(path, name) for path in paths):
            return None
        if paths and (colon or not any(path.endswith("/__init__.py") for path in paths)):
            return "attribute"
        return None if self._may_be_moved(dotted) else "module"

    # ------------------------------------------------------------------ what is there

    def _files(self, folder: str, dotted: str) -> Iterator[str]:
        path = "/".join(([folder] if folder else []) + dotted.split("."))
        yield from (file for file in (f"{path}/__init__.py", f"{path}.py") if file in self.imports.files)

    def _lacks(self, path: str, name: str) -> bool:
        """Whether a module certainly binds no such name."""
        if path in self.project.unparsed or not name.isidentifier():
            return False
        module = self.project.modules.find(path) or self.project.reading.module(path, name)
        return module is None or not self._may_bind(module, name)

    def _may_bind(self, module: Module, name: str) -> bool:
        named = (module.functions, module.classes, module.bindings, module.imports)
        return (
            any(name in names for names in named)
            or bool(module.star_imports)
            or "__getattr__" in module.functions
            or bool(module.functions.holding("globals", "setattr", "vars"))
        )

    def _may_be_moved(self, dotted: str) -> bool:
        """Whether an image may hold a folder of the project under the name that is asked for."""
        top, _, rest = dotted.partition(".")
        tail = rest.replace(".", "/")
        ends = (f"{tail}.py", f"{tail}/__init__.py")
        return any(
            f"/{file}".endswith((f"/{ends[0]}", f"/{ends[1]}")) and f"/{top}/" not in f"/{file}"
            for file in self.imports.files
        )

    # ------------------------------------------------------------------ what is meant

    def _meant(self, command: WorkerCommand) -> list[tuple[Application, str]]:
        """The applications in the package that a command names, the nearest first, as ``-A`` names them."""
        top = command.app.partition(":")[0].partition(".")[0]
        folders = command.path.split("/")[:-1]
        found: list[tuple[int, Application, str]] = []
        for application in self.applications.product:
            *above, file = application.module.path.split("/")
            if not is_product_path(application.module.path):
                continue
            if top in above:
                parts = [*above[above.index(top) :], file.removesuffix(".py")]
            elif file == f"{top}.py":
                parts = [top]
            else:
                continue
            found.append((_apart(folders, above), application, ".".join(parts).removesuffix(".__init__")))
        return [(application, meant) for _, application, meant in sorted(found, key=lambda each: each[0])]


def _apart(one: list[str], other: list[str]) -> int:
    """How many folders lie between two folders."""
    common = 0
    while common < min(len(one), len(other)) and one[common] == other[common]:
        common += 1
    return len(one) + len(other) - 2 * common
