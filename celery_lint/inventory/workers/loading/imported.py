"""Which modules the workers of a project import: from ``-A``, ``include``, ``imports`` on, and by discovery.

It answers *no* for a module only where every way to it is in sight: imports within functions count as imports
(a signal of the worker may run them), and one import that only the run knows makes every answer *unknown*. In
a Django project the checks of a worker's start import the views, and with them whatever they use; other
frameworks scan packages: *unknown*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import IMPORT_LISTS
from celery_lint.model.calls import Call
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once
from celery_lint.project.unseen.unparsed import UnparsedTexts

#: What imports modules by names that only the run knows.
IMPORTING_BY_NAME = (
    "import_module", "__import__", "import_string", "walk_packages", "iter_modules", "exec_module",
    "load_module", "find_modules", "import_from_cwd", "symbol_by_name", "run_path", "run_module",
    "load_source", "pydoc.locate", "~exec", "autodiscover_modules", "walk_modules", "entry_points",
    "iter_entry_points", "load_entry_point", "load_setuptools_entrypoints",
)  # fmt: skip
#: Their names alone, without what they are in.
NAMES_OF_IMPORTING = frozenset({name.lstrip("~").rpartition(".")[2] for name in IMPORTING_BY_NAME})
# How a container of dependency-injector is told what to import.
_WIRED = ("wire", "WiringConfiguration", "wiring_config")
_WIRING = (".wire", "WiringConfiguration")
# What Django imports when it starts can be told: what is installed, and what that imports.
_OF_DJANGO = frozenset({"django", "django_celery_beat", "rest_framework"})
#: Frameworks that import modules themselves, when they start or when they are told to scan a package.
SCANNING_FRAMEWORKS = frozenset(
    {
        "connexion", "dependency_injector", "frappe", "importscan", "invenio_base", "morepath", "odoo",
        "pyramid", "scrapy", "stevedore", "venusian",
    }
)  # fmt: skip
_IMPORTING = SCANNING_FRAMEWORKS | _OF_DJANGO
# What loads the module that it names: as settings are loaded, or as any other is imported.
_LOADING = ("from_object", "import_module", "__import__", "import_string", "symbol_by_name")
_MOST_READ = 300
#: What leads workers to modules that nothing else names.
DISCOVER = "autodiscover_tasks"


def in_text(names: Iterable[str]) -> re.Pattern[bytes]:
    """What shows in a text that it may call one of these: `exec(...)`, and not `session.exec(...)`."""
    found = (rf"(?<![\w.]){n[1:]}\(" if n[:1] == "~" else rf"\b{n.partition('.')[0]}\b" for n in names)
    return re.compile("|".join(found).encode())


# What may lead from a text to modules that it does not name.
_LEADING = in_text((*IMPORTING_BY_NAME, DISCOVER))


class Discovery(NamedTuple):
    """A call of ``autodiscover_tasks`` with the packages that it names; ``None`` if nobody can tell."""

    place: Place
    module: Module
    packages: tuple[str, ...] | None
    related: str | None
    value: Value | None


class WorkerImports:
    """The modules that workers import."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.imports = known.project.imports
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.commands = known.of(Commands)
        self.tasks = known.of(Tasks)
        self.unparsed = known.of(UnparsedTexts)

    def never(self, path: str) -> bool:
        """Whether no worker imports this module for certain."""
        return self._reached is not None and path not in self._reached

    def is_passed_by(self, path: str) -> bool:
        """Whether no worker can have a module, where nothing says how workers are started.

        Whatever they name by ``-A``: the only application of the project, or a module that imports it.
        """
        return self._reached_alone is not None and path not in self._reached_alone

    def runs_nowhere(self, path: str) -> bool:
        """Whether no worker that the project starts imports this module for certain.

        It may belong to an application of its own that nobody is seen to start.
        """
        return self._reached_from_commands is not None and path not in self._reached_from_commands

    def has_no_tasks(self, application: Application) -> bool:
        """Whether workers of an application certainly import no module with a task, and it makes none."""
        tasks = self.tasks.product
        roots = self._roots(application)
        if roots is None or self.is_scanned or any(task.application == application.origin for task in tasks):
            return False
        for command in self.commands.all:
            if application in self.commands.naming(command):
                roots |= self.commanded(command)
        reached = self._closure(roots) or frozenset()
        for discovery in self.discoveries:
            if discovery.module.path in reached:
                found = self.discovered(discovery)
                if found is None:
                    return False
                roots |= found
        reached = self._closure(roots) or frozenset()
        return bool(reached) and not any(task.module.path in reached for task in tasks)

    def loading(self, path: str, application: Application) -> Place | None:
        """What an application is told to load at its start, if this module is among it."""
        for name in IMPORT_LISTS:
            for setting in self.settings.candidates(application, name):
                known = self.project.constant(setting.module, setting.value)
                for item in known.items if known is not None and known.kind == "sequence" else ():
                    text = self.project.text(setting.module, item)
                    if text and path in self._named(text, application.module.path):
                        return setting.module.place(item.span)
        for discovery in self.discoveries:
            found = self.discovered(discovery)
            of_django = found is None and discovery.related and path.endswith(f"/{discovery.related}.py")
            if of_django or path in (found or ()):
                return discovery.place
        return None

    def before_loading(self, application: Application) -> frozenset[str] | None:
        """What is imported before that, by the module of the application and those of commands at most.

        What settings import by names that only the run knows are settings of a machine.
        """
        roots = {application.module.path}
        for command in self.commands.all:
            roots |= self._named(command.app.partition(":")[0], command.path)
        found = self._closure(roots)
        return (
            None
            if found is None
            else found | (self._closure(self.settings.modules(application)) or frozenset())
        )

    # ------------------------------------------------------------------ discovery

    @once
    def discoveries(self) -> list[Discovery]:
        """The calls of ``autodiscover_tasks`` in the product."""
        return [
            self._discovery(module, call, function.value_of(call))
            for module, function in self.project.calling(f".{DISCOVER}")
            for call in self.functions.calls(module, function)
            if call.leaf() == DISCOVER
        ]

    def _discovery(self, module: Module, call: Call, value: Value | None) -> Discovery:
        place = module.place(call.span)
        if value is None or value.open_ended():
            return Discovery(place, module, None, None, value)
        given = value.first() or value.keyword("packages")
        if given is not None and given.kind == "lambda" and given.items:
            given = given.items[0]  # what Celery calls, when it looks into them
        related = value.items[1] if len(value.items) > 1 else value.keyword("related_name")
        name = "tasks" if related is None else self.project.text(module, related)
        if related is not None and name is None:
            known = self.project.constant(module, related)
            if known is None or known.data is not None:
                return Discovery(place, module, None, None, value)
        return Discovery(place, module, self.texts(module, given), name, value)

    def texts(self, module: Module, value: Value | None) -> tuple[str, ...] | None:
        """The texts of a sequence, or of one text as Celery takes it; ``None`` if one is not known."""
        if value is None:
            return None
        known = self.project.constant(module, value)
        if known is not None and known.kind == "constant":
            return (known.data,) if isinstance(known.data, str) else None
        if known is None or known.kind != "sequence":
            return None
        texts = [self.project.text(module, item) for item in known.items]
        return None if None in texts else tuple([text for text in texts if text is not None])

    # ------------------------------------------------------------------ what is reached

    @once
    def _reached(self) -> frozenset[str] | None:
        """The paths of all modules that some worker may import; ``None`` if nobody can tell."""
        return self._reached_by(self.applications.product)

    @once
    def _reached_from_commands(self) -> frozenset[str] | None:
        """Those that the workers import which the project starts, and no other."""
        running = list(self.commands.started)
        while running:
            reached = self._reached_by(running)
            if reached is None:
                return None
            others = [other for other in self.applications.product if other not in running]
            imported = [other for other in others if other.module.path in reached]
            if not imported:
                return reached
            running += imported
        return None

    def _reached_by(self, applications: Sequence[Application]) -> frozenset[str] | None:
        """The paths of all modules that workers of these applications may import."""
        if not self.commands.started or self._imports_by_itself() or self.unparsed.make_applications:
            return None
        roots: set[str] = set()
        for application in applications:
            own = self._roots(application)
            if own is None:
                return None
            roots |= own
        for command in self.commands.all:
            if command.open_ended:
                return None
            included = command.include.split(",") if command.include else []
            if not all(part.isidentifier() for dotted in included for part in dotted.strip().split(".")):
                return None  # a variable
            roots |= self.commanded(command)
        for discovery in self.discoveries:
            found = self.discovered(discovery)
            if found is None:
                return None
            roots |= found
        return self._closure(roots)

    @once
    def _reached_alone(self) -> frozenset[str] | None:
        """What workers of the only application may import, if no command is there to tell more."""
        deployment, product = self.project.deployment, self.applications.product
        said = self.commands.all or deployment.refused or deployment.others
        if said or len(product) != 1 or self.unparsed.make_applications or self._imports_by_itself():
            return None
        roots, home = self._roots(product[0]), product[0].module.path
        if roots is None:
            return None
        for discovery in self.discoveries:
            found = self.discovered(discovery)
            if found is None:
                return None
            roots |= found
        of_tasks = {task.module.path for task in self.tasks.product}
        for module in self.project.product_modules():
            if module.path not in of_tasks and home in self.imports.targets(module):
                roots.add(module.path)
        roots.update(path for path in self.unparsed.product if home in self.unparsed.targets(path))
        return self._closure(roots)

    @once
    def is_scanned(self) -> bool:
        """Whether a framework imports all modules of packages."""
        return self._imports_from(SCANNING_FRAMEWORKS - self._idle)

    def _imports_by_itself(self) -> bool:
        return self._imports_from(_IMPORTING - self._idle)

    @once
    def _idle(self) -> frozenset[str]:
        """Those of the frameworks that nobody tells what to import: a container that wires nothing."""
        wires = any(self.project.calling(*_WIRING)) or self.unparsed.hold((word, "") for word in _WIRED)
        return frozenset() if wires else frozenset({"dependency_injector"})

    def _imports_from(self, packages: Set[str]) -> bool:
        return any(
            target.partition(".")[0] in packages
            for module in self.project.modules.values()
            for target in module.imports.values()
        ) or self.unparsed.hold((package, "") for package in packages)

    def _roots(self, application: Application) -> set[str] | None:
        if not self.applications.is_plain(application) or self.settings.hides(application):
            return None
        listed = self.listed(application)
        if listed is None:
            return None
        return {application.module.path, *self.settings.modules(application), *listed}

    def commanded(self, command: WorkerCommand) -> set[str]:
        """The modules that a command names: its application's, and those that it includes."""
        named = (command.app.partition(":")[0], *command.include.split(","))
        return {path for dotted in named for path in self._named(dotted.strip(), command.path)}

    def listed(self, application: Application) -> set[str] | None:
        """The modules that ``include`` and ``imports`` name; ``None`` where nobody can tell."""
        found: set[str] = set()
        for name in IMPORT_LISTS:
            for setting in self.settings.candidates(application, name):
                texts = self.texts(setting.module, setting.value)
                if texts is None:
                    return None
                for text in texts:
                    found |= self._named(text, application.module.path)
        return found

    def discovered(self, discovery: Discovery) -> set[str] | None:
        """The modules that a search leads to; ``None`` where nobody can tell."""
        if discovery.packages is None:
            return None
        found: set[str] = set()
        for package in discovery.packages:
            found |= self._named(package, discovery.module.path)
            if discovery.related:
                found |= self._named(f"{package}.{discovery.related}", discovery.module.path)
                above = package.rpartition(".")[0]
                if above:  # where the package itself cannot be imported
                    found |= self._named(f"{above}.{discovery.related}", discovery.module.path)
        return found

    def _named(self, dotted: str, importer: str) -> set[str]:
        """The file that a dotted name leads to."""
        located = self.imports.locate(dotted, importer) if dotted else None
        return {located.path} if located is not None else set()

    def _closure(self, roots: Iterable[str]) -> frozenset[str] | None:
        line: list[str] = []
        seen: set[str] = set()

        def take(path: str) -> None:
            for part in (path, *self._packages(path)):
                if part not in seen:
                    seen.add(part)
                    line.append(part)

        for path in sorted(roots):
            take(path)
        for path in line:  # which grows meanwhile
            if len(line) > _MOST_READ:
                return None
            if path in self.project.unparsed:
                if self.unparsed.speaks(path, _LEADING.search):
                    return None
                for target in self.unparsed.targets(path):
                    take(target)
            module = self.project.modules.find(path) or self.project.reading.module(path, "import")
            if module is None:
                continue  # it imports nothing
            if self._imports_by_name(module):
                return None
            for target in (*self.imports.targets(module), *self._loaded(module)):
                take(target)
        return frozenset(seen)

    def _imports_by_name(self, module: Module) -> bool:
        """Whether a module imports others by name: `load_source(...)`, and not `upload_source(...)`.

        A name that is written down (`import_module("shop.settings")`) is an import as any other.
        """
        return any(
            call.leaf() in NAMES_OF_IMPORTING
            and call.chain.endswith(IMPORTING_BY_NAME)
            and not _named_by(call)
            for function in module.functions.calling(*IMPORTING_BY_NAME)
            for call in self.functions.calls(module, function)
        )

    def _loaded(self, module: Module) -> Iterator[str]:
        """The files of what a module loads by name: ``app.config.from_object("shop.settings.Live")``."""
        for function in module.functions.calling(*_LOADING):
            for call in self.functions.calls(module, function):
                yield from self._named(_named_by(call), module.path)

    def _packages(self, path: str) -> Iterator[str]:
        """The packages that are imported before a module of theirs."""
        folder = path.rpartition("/")[0]
        while folder:
            if f"{folder}/__init__.py" in self.imports.files:
                yield f"{folder}/__init__.py"
            folder = folder.rpartition("/")[0]


def _named_by(call: Call) -> str:
    """The module that a call imports or loads, where its whole name is written there."""
    text = call.argument(0).text if call.leaf() in _LOADING else ""
    return "" if text.startswith(".") else text.replace(":", ".")
