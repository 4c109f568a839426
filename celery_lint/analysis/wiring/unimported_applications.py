"""Applications that only workers import, so that whoever sends shared tasks has none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from celery_lint.files.commands.assigned import is_of_variables
from celery_lint.files.commands.mentions import PROSE
from celery_lint.files.filter import Pair
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.sites import Sites
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.loading.imported import WorkerImports
from celery_lint.inventory.workers.loading.orphans import Candidate, Orphans, candidate_of
from celery_lint.inventory.workers.loading.unimported import SCANNING
from celery_lint.inventory.workers.loading.unknown_imports import UNKNOWN_IMPORTS
from celery_lint.inventory.workers.naming import texts_outside
from celery_lint.libraries.celery import BROKER_VARIABLE, LOCAL_BROKERS, SHARED_TASK
from celery_lint.libraries.data import ENVIRONMENT_MODELS
from celery_lint.model.facts import Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once
from celery_lint.project.unseen.unparsed import UnparsedTexts

_WORD = "celery"
# What imports the packages and modules that it is given: containers of dependency-injector.
_CONTAINERS = b"dependency_injector"
_WIRING = re.compile(rb"\bWiringConfiguration\(([^()]*)|\.wire\(([^()]*)")
_TEXT = re.compile(rb"[\"']([\w.]+)[\"']")
_DEEPEST = 6


class UnimportedApplication(NamedTuple):
    """An application that nothing but a worker imports, and what sends a shared task without it."""

    application: Application
    task: Task
    sending: Sending


class UnimportedApplications:
    """The only application of a project, where the processes that send tasks know nothing of it."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.sendings = known.of(Sendings)
        self.sites = known.of(Sites)
        self.orphans = known.of(Orphans)
        self.worker_imports = known.of(WorkerImports)
        self.unparsed = known.of(UnparsedTexts)

    @facts
    def unimported(self) -> list[UnimportedApplication]:
        """The application, with the first call that sends to another broker than its own."""
        applications = self.applications.product
        if len(applications) != 1 or len(self.applications.by_origin) != 1:
            return []
        application = applications[0]
        if not self._is_named(application) or self._imports(application) or not self._has_broker(application):
            return []
        if self.unparsed.make_applications:
            return []
        for sending in self.sendings.all:
            task = sending.task
            if task is not None and self._is_lost(sending, task, application):
                told = UnimportedApplication(application, task, sending)
                return [told] if not self._is_wired(application) else []
        return []

    def is_out_of_sight(self, sending: Sending, task: Task) -> bool:
        """Whether nothing shows that who sends a task knows of the only application."""
        applications = self.applications.product
        if len(applications) != 1 or self._imports(applications[0]):
            return False
        return self._is_lost(sending, task, applications[0]) and not self._is_wired(applications[0])

    def goes_elsewhere(self, sending: Sending, task: Task) -> bool:
        """Whether a task is certainly sent to another broker than that of the only application."""
        applications = self.applications.product
        return (
            self.is_out_of_sight(sending, task)
            and self._is_named(applications[0])
            and self._has_broker(applications[0])
        )

    def _is_named(self, application: Application) -> bool:
        """Whether whoever imports the application must write a word for which files are read."""
        folders, _, name = application.module.path.removesuffix(".py").rpartition("/")
        return _WORD in name.lower() and f"{folders}/__init__.py" in self.project.imports.files

    def _imports(self, application: Application) -> bool:
        """Whether anything of the product imports the application's module, at whatever time.

        Or names it for others to import: Django does so with the classes in its list of applications. What
        makes Flask's application in another process makes one that this keeps, too.
        """
        path = application.module.path
        if self.unparsed.may_import(path) or self.applications.is_kept(application):
            return True
        dotted = path.removesuffix(".py").replace("/", ".").split(".")
        ending = ".".join(dotted[-2:])
        if any(
            ending in text
            for module in self.project.product_modules()
            if module.path != path
            for text in texts_outside(self.project.functions, module, dotted[-1])
        ):
            return True
        of_workers = self._of_workers
        if of_workers is None or any(
            self.orphans.unknown_imports.may_reach(each.path) for each in of_workers
        ):
            return True
        others = [module for module in self.project.product_modules() if module.path != path]
        return any(self.orphans.is_named(each, others) for each in of_workers)

    def _is_wired(self, application: Application) -> bool:
        """Whether a container may import the application's module. Asked last: all texts are read for it."""
        path = application.module.path
        dotted = path.removesuffix(".py").replace("/", ".")
        wired = self.project.deployment.written.found(_wired).items()
        return any(other != path and _may_hold(each, dotted) for other, each in wired)

    @once
    def _of_workers(self) -> tuple[Candidate, ...] | None:
        """The modules that import the only application, where just that is told to load each of them.

        ``None`` where other processes may import it, too.
        """
        if len(self.applications.product) != 1:
            return None
        application = self.applications.product[0]
        having = {application.module.path}
        loaded = self.worker_imports.listed(application) or set()
        for discovery in self.worker_imports.discoveries:
            loaded |= self.worker_imports.discovered(discovery) or set()
        found: list[Candidate] = []
        while True:
            more = [
                module
                for module in self.project.product_modules()
                if module.path not in having
                and not having.isdisjoint(self.project.imports.targets(module))
                and not self._is_beside_programs(module)
            ]
            if not more:
                return tuple(found)
            for module in more:
                each = candidate_of(module.path, False)
                if each is None or module.path not in loaded or not self._is_loaded_alone(module, each):
                    return None
                found.append(each)
                having.add(module.path)

    def _is_beside_programs(self, module: Module) -> bool:
        """Whether a module is the ``__init__.py`` beside Django's ``manage.py``, which nothing imports.

        That folder is where imports begin, and no package: what is in it has no name for it.
        """
        folder, _, name = module.path.rpartition("/")
        program = f"{folder}/manage.py" if folder else "manage.py"
        return (
            name == "__init__.py"
            and program in self.project.imports.files
            and not any(
                module.path in self.project.imports.targets(other) for other in self.project.product_modules()
            )
        )

    def _sought(self) -> tuple[Candidate, ...]:
        """Those of them about which it matters whether another process imports them."""
        applications = self.applications.product
        if len(applications) != 1 or not self._is_named(applications[0]):
            return ()
        return self._of_workers or ()

    def _is_loaded_alone(self, module: Module, candidate: Candidate) -> bool:
        """Whether nothing else may begin with a module: no server, no command, no framework that scans."""
        return (
            not self.worker_imports.is_scanned
            and self.orphans.is_plain(candidate)
            and not self.orphans.may_be_started(module)
        )

    def words(self) -> set[Pair]:
        """What other files must hold to import one of those, or what nobody can tell."""
        sought = self._sought()
        found = {(word, each.package) for each in sought for word in (each.stem, *UNKNOWN_IMPORTS)}
        return found | {(word, "") for word in SCANNING} if found else found

    def explore(self) -> None:
        """Read the modules beside them, which may import them by less than their package's name."""
        for each in self._sought():
            for path in self.orphans.near(each):
                self.project.reading.module(path, each.stem)

    def _has_broker(self, application: Application) -> bool:
        """Whether the application has a broker that no other application would have by itself.

        Without settings Celery takes the address of its broker from a variable of the environment. What is
        given by hand wins over what is loaded, but often for tests alone: both count.
        """
        found = self.settings.candidates(application, "broker_url")
        loaded = self.settings.loads(application, "broker_url")
        said = [(each.module, each.value) for each in found]
        said += [(each.module, each.value) for each in loaded]
        return (
            bool(found)
            and all(setting.certain for setting in found)
            and not any(self._is_common(v) for module, value in said for v in self._within(module, value))
            and not any(self._is_of_environment(module, value) for module, value in said)
        )

    def _is_common(self, value: Value) -> bool:
        if value.data == BROKER_VARIABLE or value.kind == "unknown":
            return True
        if value.kind == "constant" and not value.data:  # none, so that it is the one by default
            return True
        return isinstance(value.data, str) and value.data.startswith(LOCAL_BROKERS)

    def _is_of_environment(self, module: Module, value: Value) -> bool:
        """Whether a field of settings holds what a variable of the environment says.

        `settings.CELERY_BROKER_URL` of the process, which other applications read as well, and not of a file
        of variables alone.
        """
        owner, _, leaf = value.chain.rpartition(".")
        if value.kind != "name" or leaf.upper() != BROKER_VARIABLE:
            return False
        bases = self.project.bases(self.project.resolve(module, owner))
        return any(base.name in ENVIRONMENT_MODELS for base in bases) and self._is_given

    @once
    def _is_given(self) -> bool:
        """Whether files give a process the variable: by its name, or by a file of variables that has it."""
        written = self.project.deployment.written
        naming = [path for path in written.lines(BROKER_VARIABLE) if not path.endswith((".py", *PROSE))]
        return any(not is_of_variables(path) for path in naming) or (
            bool(naming) and bool(written.lines("env_file"))
        )

    def _within(self, module: Module, value: Value, depth: int = 0) -> Iterator[Value]:
        """An expression, all that stands in it, and what its names are bound to."""
        yield value
        for inner in (*value.items, *(given for _, given in value.keywords)):
            yield from self._within(module, inner, depth + 1)
        if value.kind == "name" and depth < _DEEPEST:
            entity = self.project.resolve(module, value.chain)
            if entity.module is not None and entity.value is not None:
                yield from self._within(entity.module, entity.value, depth + 1)

    def _is_lost(self, sending: Sending, task: Task, application: Application) -> bool:
        if not sending.sends or sending.how == "apply" or sending.through == "application":
            return False
        if sending.module.path in (application.module.path, task.module.path) or not self._is_shared(task):
            return False
        if self.sendings.task_around(sending) is not None:
            return False  # also one that no worker has: nothing but a worker would run it
        around = (sending.module.path, sending.function.qualname)
        return around not in {site.key for site in self.sites.all}

    def _is_shared(self, task: Task) -> bool:
        if task.application is not None or task.function is None:
            return False
        names: Iterable[str] = (
            self.project.resolve(task.module, decorator.chain).name for decorator in task.function.decorators
        )
        return any(name.removesuffix("()") == SHARED_TASK for name in names)


def _wired(text: bytes) -> frozenset[str]:
    """The modules and packages that the containers of a file import; ``*`` for those that it computes."""
    found: set[str] = set()
    for match in _WIRING.finditer(text) if _CONTAINERS in text or b".wire(" in text else ():
        given = match[1] or match[2] or b""
        named = [text.decode() for text in _TEXT.findall(given)]
        found.update(named or (["*"] if given.strip() else []))
    return frozenset(found)


def _may_hold(names: frozenset[str], dotted: str) -> bool:
    """Whether a module may be one of these, or lie in one: a relative name is as good as any."""
    return any(name == "*" or name[:1] == "." or f".{dotted}.".find(f".{name}.") >= 0 for name in names)
