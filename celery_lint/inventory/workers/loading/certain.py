"""The modules that the workers of an application certainly import when they start, and by which way.

From what ``-A`` names, through ``include``, ``imports`` and ``autodiscover_tasks``, on to what these modules
cannot be imported without. Each is known by the name that it is imported by, from the folder in which the
name is looked for: so no import is followed that another folder may answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.installed import INSTALLED_APPS, InstalledApplications
from celery_lint.inventory.application.loaded import Loaded
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.workers.loading.imported import Discovery, WorkerImports
from celery_lint.libraries.celery import IMPORT_LISTS
from celery_lint.model.facts import ImportStatement, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once

_MOST = 2000
_SHOWN = 4


class Way(NamedTuple):
    """How a worker gets to a module: the place that names it, and the module which that place is in.

    ``root`` is the folder in which its ``name`` is looked for. ``by`` is ``None`` where a worker begins.
    ``may_fail``: only a search imports it, and goes on without a word where a module is not there.
    ``others`` are folders that must be on the path as well, or the worker ends before.
    """

    root: str
    name: str
    place: Place
    by: str | None
    may_fail: bool = False
    others: tuple[str, ...] = ()


Search = tuple[Discovery, str]
"""A call of ``autodiscover_tasks``, and one of the packages that it looks into."""


class CertainImports:
    """The modules that workers import for certain."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.imports = known.project.imports
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.commands = known.of(Commands)
        self.worker_imports = known.of(WorkerImports)
        self.installed = known.of(InstalledApplications)
        self.loaded = known.of(Loaded)

    @once
    def all(self) -> dict[str, Way]:
        """The way to each module, by its path."""
        found: dict[str, Way] = {}
        for application in self.applications.product:
            for path, way in self._of(application).items():
                found.setdefault(path, way)
        return found

    @property
    def names_are_known(self) -> bool:
        """Whether commands name the modules of applications: without any their first package is a guess."""
        return bool(self.commands.all) and not self.commands.meant_in_vain

    def chain(self, path: str) -> list[Way]:
        """The ways from where a worker begins to a module, its own last."""
        found = [self.all[path]]
        while (by := found[0].by) is not None and self.all[by] not in found:
            found.insert(0, self.all[by])
        return found

    @once
    def starts(self) -> list[list[Way]]:
        """What the workers of each application import first, in that order: by one command each.

        Then come what ``imports`` and ``include`` name, unless something searches for modules before.
        """
        found = []
        for application in self.applications.product:
            if application in self.commands.unstarted:
                continue
            first = [way for _, way in self._first(application)]
            if not first:
                continue
            own = first.pop()
            listed = [] if self.worker_imports.discoveries else [*self._listed(application, own.root)]
            after = [way for _, way in listed if way.root == own.root]
            found += [[named, own, *after] for named in first or [own]]
        return found

    # ------------------------------------------------------------------ one application

    def _of(self, application: Application) -> dict[str, Way]:
        if application in self.commands.unstarted:
            return {}
        line = list(self._first(application))
        if not line:
            return {}
        root = line[0][1].root
        found: dict[str, Way] = {}
        self._follow(line, found)
        self._follow(list(self._listed(application, root)), found)
        searches = list(self._searches(found, root))
        self._follow(list(self._discovered(searches, root)), found)
        self._follow(list(self._searched(searches, root)), found)
        return found

    def _first(self, application: Application) -> Iterator[tuple[str, Way]]:
        """The module of the application, as a command names it; without commands as its packages tell.

        Where a command means it and fails, that is what is next to fail.
        """
        path = application.module.path
        commands = [each for each in self.commands.all if application in self.commands.naming(each)]
        is_told = commands or application in self.commands.meant_in_vain
        if not is_told and (self.commands.all or len(self.applications.product) > 1):
            return  # nobody tells that a worker of this one is meant
        root = self.imports.import_root(path)
        place = application.place
        for command in commands:
            dotted = command.app.removesuffix(".py").replace("/", ".").partition(":")[0]
            folders = self.imports.holding_application(dotted)
            if len(folders) != 1:
                return
            root, place = folders[0], command.place
            for name in (dotted, dotted.rpartition(".")[0]):
                named = self.file(root, name)
                if named is not None:
                    yield named, Way(root, name, place, None)
                    break
        if path.startswith(f"{root}/" if root else ""):
            yield path, Way(root, self.imports.module_name(path, root), place, None)

    def _listed(self, application: Application, root: str) -> Iterator[tuple[str, Way]]:
        """What ``include`` and ``imports`` name."""
        for name in IMPORT_LISTS:
            found = self.settings.candidates(application, name)
            if not all(setting.certain for setting in found):
                continue
            for setting in found:
                known = self.project.constant(setting.module, setting.value)
                for item in known.items if known is not None and known.kind == "sequence" else ():
                    text = self.project.text(setting.module, item)
                    if text:
                        yield from self._named(text, root, setting.module.place(item.span))

    def _named(self, name: str, root: str, place: Place) -> Iterator[tuple[str, Way]]:
        """The file that a list names, in the folder of the application or in the only other that has it.

        Where the application and what it lists are named from two folders, both are on the path of a worker:
        `shop.orders` beside `backend.shop.mails`.
        """
        file = self.file(root, name)
        if file is not None:
            yield file, Way(root, name, place, None)
            return
        files = self.imports.files_of(name)
        stem = name.replace(".", "/")
        other = files[0].rpartition(stem)[0].rstrip("/") if len(files) == 1 else root
        if other != root and f"{root}/".startswith(f"{other}/" if other else ""):
            yield files[0], Way(other, name, place, None, others=(root,))

    # ------------------------------------------------------------------ searches

    def _discovered(self, searches: list[Search], root: str) -> Iterator[tuple[str, Way]]:
        """The modules that ``autodiscover_tasks`` looks for, and the packages above those that it is told."""
        for discovery, package in searches:
            for name in (f"{package}.{discovery.related}" if discovery.related else "", *above(package)):
                file = self.file(root, name) if name else None
                if file is not None:
                    yield file, Way(root, name, discovery.place, None)

    def _searched(self, searches: list[Search], root: str) -> Iterator[tuple[str, Way]]:
        """What a search imports before it looks: what it is told to look into.

        Where a module is missing there, it looks in the package above instead.
        https://github.com/celery/celery/blob/v5.7.0/celery/loaders/base.py (``find_related_module``)
        """
        for discovery, package in searches:
            file = self.file(root, package)
            if file is not None:
                yield file, Way(root, package, discovery.place, None, "." in package)

    def _searches(self, found: dict[str, Way], root: str) -> Iterator[Search]:
        """The searches of modules that are imported, and what each looks into."""
        for discovery in self.worker_imports.discoveries:
            told = discovery.related or discovery.packages is not None
            if told and discovery.module.path in found and self._is_at_the_top(discovery):
                for package in self._packages_of(discovery, found, root):
                    yield discovery, package

    def _is_at_the_top(self, discovery: Discovery) -> bool:
        top = discovery.module.functions.get("")
        return top is not None and any(
            call.span == discovery.place.span and not call.in_main
            for call in self.project.functions.calls(discovery.module, top)
        )

    def _packages_of(self, discovery: Discovery, found: dict[str, Way], root: str) -> Iterator[str]:
        if discovery.packages is not None:
            yield from discovery.packages
            return
        given = discovery.value.first() if discovery.value is not None else None
        if given is None or given.chain.endswith(INSTALLED_APPS) or given.kind == "lambda":
            for name in sorted(self._installed(found, root)):
                package, _, class_ = name.rpartition(".")
                yield package.removesuffix(".apps") if class_[:1].isupper() else name

    def _installed(self, found: dict[str, Way], root: str) -> frozenset[str]:
        """What Django has installed in the worker: what the settings list that it takes, or all of them."""
        listing = [m for m in self.project.modules.values() if INSTALLED_APPS in m.bindings]
        if len(listing) > 1:
            listing = self._taken(found, root) or listing
        each = [self.installed.by(module) or frozenset() for module in listing]
        return frozenset.intersection(*each) if each else frozenset()

    def _taken(self, found: dict[str, Way], root: str) -> list[Module]:
        """The settings that a worker takes, where nobody names others to Django than what it imports does."""
        named = {text for module, text in self.loaded.named_for_django if module.path in found}
        if len(named) != 1 or not self.project.deployment.django_settings <= named:
            return []
        module = self.project.modules.find(self.file(root, named.pop()) or "")
        if module is not None and INSTALLED_APPS not in module.bindings:
            paths = self.project.star_paths(module)
            module = self.project.modules.find(paths[0]) if len(paths) == 1 else None
        return [module] if module is not None and INSTALLED_APPS in module.bindings else []

    # ------------------------------------------------------------------ what these import

    def _follow(self, line: list[tuple[str, Way]], found: dict[str, Way]) -> None:
        """Add modules, and all that they need, to those that are found."""
        for path, way in line:  # which grows meanwhile
            if path in found or len(found) + len(line) > _MOST:
                continue
            found[path] = way
            module = self.project.modules.find(path)
            for file, name, place in self._imported(module, way) if module is not None else ():
                if file not in found:
                    line.append((file, self._led(way, name, place, path)))
            for package in above(way.name):
                init = self.file(way.root, package)
                if init is not None and init not in found:
                    line.append((init, way._replace(name=package)))

    def _led(self, way: Way, name: str, place: Place, by: str) -> Way:
        """The way to a module that another imports: from the first folder that has it."""
        if not way.others:
            return Way(way.root, name, place, by, way.may_fail)
        root = next((each for each in (way.root, *way.others) if self.file(each, name)), way.root)
        others = tuple([each for each in (way.root, *way.others) if each != root])
        return Way(root, name, place, by, way.may_fail, others)

    def _imported(self, module: Module, way: Way) -> Iterator[tuple[str, str, Place]]:
        """The files that a module needs, their names and the places where it says so."""
        for statement in module.needed:
            name, place = absolute(statement, module.path, way.name), module.place(statement.span)
            file = self.find(way, name) if name else None
            if file is None or self.may_be_another(name, way.name):
                continue
            yield file, name, place
            package = self.project.modules.find(file)
            for part in statement.names:
                below = f"{name}.{part}"
                if package is None or not _binds(package, part):
                    path = self.find(way, below)
                    if path is not None:
                        yield path, below, place

    def may_be_another(self, name: str, importer: str) -> bool:
        """Whether another folder may have this module, which is not in the package of the importer."""
        top = name.partition(".")[0]
        return top != importer.partition(".")[0] and len(self.imports.holding(top)) > 1

    def find(self, way: Way, name: str) -> str | None:
        """The file of a module of this name, looked for in the folders that a way tells of."""
        file = self.file(way.root, name)
        for root in way.others if file is None else ():
            file = file or self.file(root, name)
        return file

    def file(self, root: str, name: str) -> str | None:
        """The file of a module or package of this name, looked for in one folder."""
        files = self.imports.files_in(root, name)
        return files[0] if files else None


def absolute(statement: ImportStatement, path: str, name: str) -> str:
    """The full name of what a module of this name takes names from; nothing where that is beyond its top."""
    rest = statement.module.lstrip(".")
    level = len(statement.module) - len(rest)
    if not level:
        return rest
    package = name.split(".") if path.endswith("/__init__.py") else name.split(".")[:-1]
    if level > len(package):
        return ""
    return ".".join([*package[: len(package) - level + 1], *([rest] if rest else [])])


def told(ways: Sequence[Way]) -> tuple[tuple[Place, str], ...]:
    """The last imports that lead a worker to a module, as findings show them."""
    return tuple([(way.place, f"a worker imports `{way.name}` here") for way in ways[-_SHOWN:]])


def above(name: str) -> Iterator[str]:
    """The names of the packages that a module is in."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _binds(package: Module, name: str) -> bool:
    return name in package.bindings or name in package.imports or name in package.functions
