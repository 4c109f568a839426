"""Modules of tasks that no worker can have, since nothing imports them, or too late.

``WorkerImports`` follows what workers import. Where a framework has a part in that, as Django has, it does
not know; but a module that no other imports and no text names is imported by nobody, whatever else is.
Where only functions import it that send its tasks, those who send have it and no worker: of what it imports
while it runs tasks it never receives any (tried on Celery 5.7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain
from typing import Literal

from celery_lint.files.filter import Pair
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.installed import INSTALLED_APPS, InstalledApplications
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.application.statements import Configuring
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.imported import DISCOVER, Discovery, WorkerImports
from celery_lint.inventory.workers.loading.late_imports import LateImports
from celery_lint.inventory.workers.loading.shadowed import Shadowed
from celery_lint.inventory.workers.loading.unknown_imports import BY_PATH, UNKNOWN_IMPORTS, UnknownImports
from celery_lint.inventory.workers.naming import texts_given, texts_outside
from celery_lint.libraries.celery import IMPORT_LISTS
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.purpose import is_test_path
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.unparsed import UnparsedTexts

Why = Literal["shadowed", "unnamed", "late", "unstarted"]

# What servers and commands start, and how a module starts something itself.
_STARTED = frozenset(
    {
        "__init__", "__main__", "api", "app", "application", "asgi", "cli", "conftest", "create_app", "index",
        "main", "make_app", "manage", "run", "server", "settings", "web", "wsgi",
    }
)  # fmt: skip
_STARTING = (".worker_main", ".start", ".run", ".main", ".serve", ".Worker")
# So many modules of one package are looked at for imports of each other.
_MOST_READ = 300


class Candidate(NamedTuple):
    """A module that may be imported by nobody: its path, its package's name and its own.

    ``late``: other modules send its tasks, or import it where they send some.
    """

    path: str
    package: str
    stem: str
    late: bool

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


class Misled(NamedTuple):
    """A search for modules of tasks, and the name of a class that it takes for that of a package."""

    place: Place
    name: str


class Orphans:
    """The modules of tasks that nothing imports for certain."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.commands = known.of(Commands)
        self.settings = known.of(Settings)
        self.configuring = known.of(Configuring)
        self.late_imports = known.of(LateImports)
        self.applications = known.of(Applications)
        self.worker_imports = known.of(WorkerImports)
        self.installed = known.of(InstalledApplications)
        self.unknown_imports = known.of(UnknownImports)
        self.shadowed = known.of(Shadowed)
        self.unparsed = known.of(UnparsedTexts)

    def why(self, path: str) -> Why | None:
        """Why no worker can have a module: a package has its name, nothing names it, or who sends its tasks.

        ``late``: other processes do import it, in functions that send its tasks. ``unstarted``: only an
        application names it that nobody starts.
        """
        return "shadowed" if path in self._shadowed else self._unnamed.get(path)

    def is_passed_by(self, path: str) -> bool:
        """Whether no import leads to a module, of whatever kind, and nothing starts it by its path."""
        module = self.project.modules.get(path) if path in self.shadowed.all else None
        return module is not None and not self.may_be_started(module)

    def words(self) -> set[Pair]:
        """What other files must hold to name one of the modules that may be imported by nobody."""
        found: set[Pair] = set()
        for _, package, stem, _ in self._candidates:
            found.update((word, package) for word in (stem, INSTALLED_APPS, *UNKNOWN_IMPORTS))
            found.update((word, stem) for word in UNKNOWN_IMPORTS)
        found.update((word, leaf_of(path)) for path in self._behind_others for word in BY_PATH)
        found |= self.shadowed.words()
        return found

    def explore(self) -> None:
        """Read the modules beside those that may be imported by nobody, where they hold the name."""
        for candidate in self._candidates:
            for path in self.near(candidate):
                self.project.reading.module(path, candidate.stem)

    @once
    @asking("quiet")
    def _shadowed(self) -> frozenset[str]:
        return frozenset(self._behind_others) if not self.shadowed.is_loaded_by_path else frozenset()

    @once
    def _behind_others(self) -> list[str]:
        """The modules that Python's import passes by."""
        behind, is_behind = self.shadowed.behind_packages, self.shadowed.is_behind_module
        return [path for path in self._of_tasks if path in behind or is_behind(path)]

    @once
    def _of_tasks(self) -> dict[str, Module]:
        """The modules that define tasks, or configure applications of other modules, and are no programs.

        And those of applications that nobody starts.
        """
        modules = {task.module.path: task.module for task in self.tasks.product}
        modules.update(self._configuring)
        modules.update(self._of_unstarted)
        return {path: module for path, module in modules.items() if not self._is_program(module)}

    @once
    def _configuring(self) -> dict[str, Module]:
        """The modules that set what applications of other modules go by, and that no server starts."""
        makers = {application.module.path for application in self.applications.by_origin.values()}
        found: dict[str, Module] = {}
        for application in self.applications.product:
            for given in self.configuring.of(application).given:
                module = given.module
                if module.path != application.module.path and module.path not in makers:
                    found[module.path] = module
        return {path: module for path, module in found.items() if not self.may_be_started(module)}

    @once
    def _of_unstarted(self) -> dict[str, Module]:
        """The modules whose applications no command names, while commands name others."""
        unstarted = self.commands.unstarted
        used = {each.module.path for each in self.applications.by_origin.values() if each not in unstarted}
        names = frozenset(each.origin[1] for each in unstarted)
        used.update(each.module.path for each in self.commands.meant_in_vain)
        return {
            each.module.path: each.module
            for each in unstarted
            if each.module.path not in used and not self.may_be_started(each.module, names)
        }

    def may_be_started(self, module: Module, applications: frozenset[str] = frozenset()) -> bool:
        """Whether a server or a command may start a module: it is called so, or has what these look for.

        ``applications`` are the names of those of Celery, which are no others.
        """
        stem = leaf_of(module.path)
        if (
            stem in _STARTED
            or "gunicorn" in stem
            or self._is_program(module)
            or not _STARTED.isdisjoint(module.bindings.keys() - applications)
        ):
            return True
        top = module.functions.get("")
        # By name: who goes through all functions is concerned by each that comes or changes.
        named = [name for name in _STARTED if name in module.functions]
        return bool(named) or (top is not None and top.may_call(*_STARTING))

    def sets_nothing(self, path: str) -> bool:
        """Whether a module configures applications, its own or others, and nobody imports it."""
        configures = path in self._configuring or path in self._of_unstarted
        return configures and self.why(path) in ("unnamed", "shadowed")

    def _is_program(self, module: Module) -> bool:
        top = module.functions.get("")
        return top is not None and any(call.in_main for call in self.functions.calls(module, top))

    # ------------------------------------------------------------------ nothing names it

    @once
    @asking("quiet")
    def _candidates(self) -> tuple[Candidate, ...]:
        """The modules of tasks that workers do not look for, and that no known module imports."""
        if not self._all_in_sight():
            return ()
        if not self.commands.started and (
            self.commands.are_any or not any(map(self._is_told, self._configuring))
        ):
            return ()
        applications = self.applications.by_origin.values()
        own = {each.module.path for each in applications} - self._of_unstarted.keys()
        sent = self.late_imports.all
        alone = self._of_unstarted
        given = {
            path: candidate_of(path, path in sent, path in alone)
            for path in (self._of_tasks if self.commands.started else self._configuring)
            if path not in own and (self.commands.started or self._is_told(path))
        }
        found = {
            path: candidate
            for path, candidate in given.items()
            if candidate is not None and self.is_plain(candidate) and not self._is_discovered(candidate)
        }
        stems = {candidate.stem for candidate in found.values()}
        for module in self.project.modules.values() if found else ():
            if is_test_path(module.path):
                continue
            for dotted in module.all_imports:
                if not stems.isdisjoint(dotted.rsplit(".", 2)[-2:]):
                    located = self.project.imports.locate(dotted, module.path)
                    if located is None or located.path == module.path:
                        continue
                    within = dotted not in module.imports.values()
                    if not within or (module.path, dotted) not in sent.get(located.path, ()):
                        found.pop(located.path, None)
        return tuple(found.values())

    def _is_told(self, path: str) -> bool:
        """Whether all that tells people what to start names other modules, one of them an application.

        Where no launch file starts anything.
        """
        module = self.project.imports.module_name(path)
        own = (module, module.rpartition(".")[0])
        return bool(self.commands.told) and not any(
            f".{name}".endswith(f".{each}") for name in self.commands.told for each in own
        )

    def _all_in_sight(self) -> bool:
        """Whether all that workers are told to import can be read, and no framework imports for them."""
        if self.worker_imports.is_scanned or any(command.open_ended for command in self.commands.all):
            return False
        if self.unparsed.make_applications or self.unparsed.hold([(DISCOVER, "")]):
            return False
        return all(
            self.applications.is_plain(application)
            and not self.settings.hides(application)
            and self._can_be_read(application)
            for application in self.applications.product
            if application not in self.commands.unstarted
        )

    def _can_be_read(self, application: Application) -> bool:
        """Whether an application names all modules that it includes by texts."""
        return all(
            self.worker_imports.texts(setting.module, setting.value) is not None
            for name in IMPORT_LISTS
            for setting in self.settings.candidates(application, name)
        )

    def is_plain(self, candidate: Candidate) -> bool:
        """Whether an import by its full name is known to lead to a module, and nothing hidden names it.

        That is no command, and no file that cannot be parsed.
        """
        imports = self.project.imports
        located = imports.locate(imports.module_name(candidate.path), candidate.path)
        if located is None or located.path != candidate.path or len(self.near(candidate)) > _MOST_READ:
            return False
        if self.unparsed.may_import(candidate.path):
            return False
        named = f"{candidate.package}.{candidate.stem}"
        for command in (*self.commands.all, *self.project.deployment.others):
            said = f"{command.app},{command.include}"
            if named in said or candidate.path in self.worker_imports.commanded(command):
                return False
        return True

    def _is_discovered(self, candidate: Candidate) -> bool:
        """Whether a search for modules of tasks may find it."""
        return self.unparsed.hold([(INSTALLED_APPS, candidate.package)]) or any(
            self._finds(discovery, candidate) for discovery in self.worker_imports.discoveries
        )

    def _finds(self, discovery: Discovery, candidate: Candidate) -> bool:
        found = self.worker_imports.discovered(discovery)
        if found is not None:
            return candidate.path in found
        if discovery.related is None or not _is_of_django(discovery.value):
            return True
        return discovery.related == candidate.stem and self._may_be_installed(discovery, candidate)

    def _may_be_installed(self, discovery: Discovery, candidate: Candidate) -> bool:
        """Whether a search through what is installed may lead to a module.

        Django knows the package of `shop.apps.ShopConfig`. Celery, which is told the names themselves,
        looks for `shop.apps.tasks` (tried on Celery 5.7).
        """
        names = self.installed.names
        if names is None:
            return True
        parts = [name.split(".") for name in names]
        if discovery.value is not None and (discovery.value.items or discovery.value.keyword("packages")):
            return any(candidate.package in part[-2:] for part in parts)
        return any(candidate.package in part for part in parts)

    def misled(self, path: str) -> Misled | None:
        """The search that passes a module by, since it takes the class of an application for a package."""
        candidate = candidate_of(path, False)
        if candidate is None or self.why(path) not in ("unnamed", "late"):
            return None
        for discovery in self.worker_imports.discoveries:
            if discovery.related == candidate.stem and _is_of_django(discovery.value):
                for name in sorted(self.installed.names or ()):
                    if f".{candidate.package}.apps." in f".{name}":
                        return Misled(discovery.place, name)
        return None

    def near(self, candidate: Candidate) -> list[str]:
        """The modules from which a relative import may lead to it, and the packages around it."""
        return self.project.imports.within(candidate.folder)

    @once
    @asking("quiet")
    def _unnamed(self) -> dict[str, Why]:
        """Those of them that no text names, and why no worker has them."""
        if not self._candidates:
            return {}
        found: dict[str, Why] = {}
        unstarted = self.commands.unstarted
        unread = {application.module.path for application in unstarted}
        modules = [m for m in self.project.product_modules() if m.path not in unread]
        lists = [m for m in self.project.product_modules() if m.path in unread]
        by_started = self._listed(other for other in self.applications.product if other not in unstarted)
        by_unstarted = self._listed(unstarted)
        for each in self._candidates:
            if self.unknown_imports.may_reach(each.path):
                continue
            if each.path not in by_started and not self.is_named(each, modules):
                listed = each.path in by_unstarted or self.is_named(each, lists)
                if not (listed and each.late):
                    found[each.path] = "unstarted" if listed else "late" if each.late else "unnamed"
        return found

    def _listed(self, applications: Iterable[Application]) -> set[str]:
        """What the lists of applications lead to, also by a short name: `tasks` beside the application."""
        listed = self.worker_imports.listed
        return {path for application in applications for path in listed(application) or ()}

    def is_named(self, candidate: Candidate, among: Iterable[Module]) -> bool:
        """Whether a text of these modules may be its name: of no task or import of it, and no pattern."""
        tasks = [task for task in self.tasks.product if task.module.path == candidate.path]
        known = {name for task in tasks for name in (task.label, task.name.split(".")[-1])}
        late = {dotted.split(".")[-1] for _, dotted in self.late_imports.all.get(candidate.path, ())}
        names = "|".join(map(re.escape, sorted(known | late)))
        if candidate.stem in late:  # a function imports the module, and says what it calls of it
            names = r"\w+"
        before = rf"(?<!\w){candidate.package}\." if candidate.package else r"(?<![\w.])"
        dotted = re.compile(rf"{before}{candidate.stem}(?!\w)(?!\.(?:\W|$|(?:{names})(?!\w)))")
        modules = [module for module in among if module.path != candidate.path]
        for module in modules:
            texts = chain(
                texts_outside(self.functions, module, candidate.stem),
                *(texts_given(value) for each in module.functions.telling() for _, value in each.values),
            )
            if any(dotted.search(text) for text in texts):
                return True
        words = tuple(filter(None, (candidate.package, candidate.stem)))
        for _, function, said in self.functions.saying(modules, words):
            packed = (function.packed_calls, function.packed_steps) if len(said) == len(words) else ()
            if any(dotted.search(text) for text in packed):
                return True
        return False


def candidate_of(path: str, late: bool, at_the_top: bool = False) -> Candidate | None:
    folder, _, stem = path.removesuffix(".py").rpartition("/")
    package = folder.rpartition("/")[2]
    return Candidate(path, package, stem, late) if (package or at_the_top) and stem != "__init__" else None


def _is_of_django(value: Value | None) -> bool:
    """Whether a search goes through what Django has installed: told nothing, or told so."""
    given = value.first() or value.keyword("packages") if value is not None else None
    if given is None:
        return value is not None
    if given.kind == "lambda":
        given = given.first() or given
    return given.chain.endswith(f".{INSTALLED_APPS}")
