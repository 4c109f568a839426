"""Modules of tasks that no worker can have, since nothing imports them.

``WorkerImports`` follows what workers import. Where a framework has a part in that, as Django has, it does
not know; but a module that no other imports and no text names is imported by nobody, whatever else is.
"""

from __future__ import annotations

import re
from typing import Literal

from celery_lint.files.filter import Pair
from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.installed import INSTALLED_APPS, InstalledApplications
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.imported import (
    IMPORTING_BY_NAME,
    NAMES_OF_IMPORTING,
    SCANNING_FRAMEWORKS,
    Discovery,
    WorkerImports,
)
from celery_lint.inventory.workers.naming import texts_outside
from celery_lint.model.facts import Module, Value
from celery_lint.model.purpose import is_test_path
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

Why = Literal["shadowed", "unnamed"]

# What loads a file by its path, whatever its name is.
_BY_PATH = (
    "spec_from_file_location", "SourceFileLoader", "run_path", "load_source", "exec_module", "load_module",
)  # fmt: skip
_IMPORTING = NAMES_OF_IMPORTING.union(_BY_PATH)
# So many modules of one package are looked at for imports of each other.
_MOST_READ = 300


class _Candidate(NamedTuple):
    """A module of tasks that may be imported by nobody: its path, its package's name and its own."""

    path: str
    package: str
    stem: str

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


class Orphans:
    """The modules of tasks that nothing imports for certain."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.commands = known.of(Commands)
        self.settings = known.of(Settings)
        self.sendings = known.of(Sendings)
        self.applications = known.of(Applications)
        self.worker_imports = known.of(WorkerImports)
        self.installed = known.of(InstalledApplications)

    def why(self, path: str) -> Why | None:
        """Why no process can have imported a module: a package has its name, or nothing names it."""
        if path in self._shadowed:
            return "shadowed"
        return "unnamed" if path in self._unnamed else None

    def words(self) -> set[Pair]:
        """What other files must hold to name one of the modules that may be imported by nobody."""
        found: set[Pair] = set()
        for _, package, stem in self._candidates:
            found.update((word, package) for word in (stem, INSTALLED_APPS, *_IMPORTING))
            found.update((word, stem) for word in _IMPORTING)
        found.update((word, leaf_of(path)) for path in self._behind_packages for word in _BY_PATH)
        return found

    def explore(self) -> None:
        """Read the modules beside those that may be imported by nobody, where they hold the name."""
        for candidate in self._candidates:
            for path in self._near(candidate):
                self.project.reading.module(path, candidate.stem)

    # ------------------------------------------------------------------ a package of the same name

    @once
    @asking("quiet")
    def _shadowed(self) -> frozenset[str]:
        """The modules beside a package of their name: Python's import takes the package."""
        if not self._behind_packages or any(True for _ in self.project.calling(*_BY_PATH)):
            return frozenset()
        return frozenset(self._behind_packages)

    @once
    def _behind_packages(self) -> list[str]:
        return [
            path
            for path in self._of_tasks
            if f"{path.removesuffix('.py')}/__init__.py" in self.project.imports.files
        ]

    @once
    def _of_tasks(self) -> dict[str, Module]:
        """The modules that define tasks and are no programs."""
        modules = {task.module.path: task.module for task in self.tasks.product}
        return {path: module for path, module in modules.items() if not self._is_program(module)}

    def _is_program(self, module: Module) -> bool:
        top = module.functions.get("")
        return top is not None and any(call.in_main for call in self.functions.calls(module, top))

    # ------------------------------------------------------------------ nothing names it

    @once
    @asking("quiet")
    def _candidates(self) -> tuple[_Candidate, ...]:
        """The modules of tasks that workers do not look for, and that no known module imports."""
        if not self.commands.started or self.project.unparsed or not self._all_in_sight():
            return ()
        sent = {
            sending.task.module.path
            for sending in self.sendings.all
            if sending.task is not None and sending.task.module.path != sending.module.path
        }
        own = {application.module.path for application in self.applications.by_origin.values()}
        given = {path: _candidate(path) for path in self._of_tasks if path not in sent | own}
        found = {
            path: candidate
            for path, candidate in given.items()
            if candidate is not None and self._is_plain(candidate) and not self._is_discovered(candidate)
        }
        stems = {candidate.stem for candidate in found.values()}
        for module in self.project.modules.values() if found else ():
            if is_test_path(module.path):
                continue
            for dotted in (*module.imports.values(), *module.star_imports, *module.further_imports):
                if not stems.isdisjoint(dotted.rsplit(".", 2)[-2:]):
                    located = self.project.imports.locate(dotted, module.path)
                    if located is not None and located.path != module.path:
                        found.pop(located.path, None)
        return tuple(found.values())

    def _all_in_sight(self) -> bool:
        """Whether all that workers are told to import can be read, and no framework imports for them."""
        if any(
            target.partition(".")[0] in SCANNING_FRAMEWORKS
            for module in self.project.modules.values()
            for target in module.imports.values()
        ):
            return False
        if any(command.open_ended for command in self.commands.all):
            return False
        return all(
            self.applications.is_plain(application) and not self.settings.hides(application)
            for application in self.applications.product
        )

    def _is_plain(self, candidate: _Candidate) -> bool:
        """Whether an import by its full name is known to lead to a module, and no command names it."""
        imports = self.project.imports
        located = imports.locate(imports.module_name(candidate.path), candidate.path)
        if located is None or located.path != candidate.path or len(self._near(candidate)) > _MOST_READ:
            return False
        named = f"{candidate.package}.{candidate.stem}"
        return not any(named in f"{command.app},{command.include}" for command in self.commands.all)

    def _is_discovered(self, candidate: _Candidate) -> bool:
        """Whether a search for modules of tasks may find it."""
        return any(self._finds(discovery, candidate) for discovery in self.worker_imports.discoveries)

    def _finds(self, discovery: Discovery, candidate: _Candidate) -> bool:
        found = self.worker_imports.discovered(discovery)
        if found is not None:
            return candidate.path in found
        if discovery.related is None or not _is_of_django(discovery.value):
            return True
        return discovery.related == candidate.stem and self._may_be_installed(candidate)

    def _may_be_installed(self, candidate: _Candidate) -> bool:
        names = self.installed.names
        return names is None or any(candidate.package in name.split(".") for name in names)

    def _near(self, candidate: _Candidate) -> list[str]:
        """The modules from which a relative import may lead to it, and the packages around it."""
        above = f"{candidate.folder}/"
        return [path for path in self.project.imports.files if path.startswith(above)]

    @once
    @asking("quiet")
    def _unnamed(self) -> frozenset[str]:
        if not self._candidates or self._imports_the_unknown:
            return frozenset()
        return frozenset(each.path for each in self._candidates if not self._is_named(each))

    def _is_named(self, candidate: _Candidate) -> bool:
        """Whether a text of the product may be its name."""
        dotted = re.compile(rf"(?<!\w){candidate.package}\.{candidate.stem}(?!\w)")
        modules = [m for m in self.project.product_modules() if m.path != candidate.path]
        for module in modules:
            if any(dotted.search(text) for text in texts_outside(self.functions, module, candidate.stem)):
                return True
        for _, function, said in self.functions.saying(modules, (candidate.package, candidate.stem)):
            packed = (function.packed_calls, function.packed_steps) if len(said) > 1 else ()
            if any(dotted.search(text) for text in packed):
                return True
        return False

    @once
    def _imports_the_unknown(self) -> bool:
        """Whether code imports what only the run knows: all modules of a package, a file, a computed name."""
        return any(
            call.leaf() in _IMPORTING and not call.argument(0).text
            for module, function in self.project.calling(*IMPORTING_BY_NAME, *_BY_PATH)
            for call in self.functions.calls(module, function)
        )


def _candidate(path: str) -> _Candidate | None:
    folder, _, stem = path.removesuffix(".py").rpartition("/")
    package = folder.rpartition("/")[2]
    return _Candidate(path, package, stem) if package and stem != "__init__" else None


def _is_of_django(value: Value | None) -> bool:
    """Whether a search goes through what Django has installed: told nothing, or told so."""
    given = value.first() or value.keyword("packages") if value is not None else None
    if given is None:
        return value is not None
    if given.kind == "lambda":
        given = given.first() or given
    return given.chain.endswith(f".{INSTALLED_APPS}")
