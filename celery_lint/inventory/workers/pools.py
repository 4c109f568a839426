"""Which worker pools the project runs its tasks in, and where that can be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from celery_lint.diagnostics import Span
from celery_lint.files.dependencies import is_list
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.queues import Queues
from celery_lint.model.commands import ANY_QUEUE, WorkerCommand
from celery_lint.model.facts import Place
from celery_lint.model.purpose import is_development_path, replaced_by
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

_COROUTINE_POOLS = frozenset({"celery_aio_pool", "celery_pool_asyncio", "aio_celery", "celery_asyncio_pool"})

_GREEN = ("gevent", "eventlet")
# A server of web sockets that wants one of these, in a list of what is installed.
_SERVERS = re.compile(
    rb"(?im)^[ \t\"'-]*(?:(?:flask|python)-(?:engineio|socketio|sockets)|gevent-websocket)(?![\w.-])"
)
# The words of a worker's pool, in a command, in settings, or in what people are told.
_NAMED = re.compile(
    rb"(?<![\w-])(?:-P|--pool|\w*pool(?:_cls)?)[ \t=:\"',\]]{0,6}(?:eventlet|gevent)", re.IGNORECASE
)
_ALIASES = {"processes": "prefork", "thread": "threads"}


class Pool(NamedTuple):
    """One worker pool, the place that names it and the queues that its workers consume.

    ``place.path`` is empty for a pool that the configuration of celery-lint gives. ``is_aside``: only
    commands for Windows or for development name one, and deployed workers may have another.
    """

    name: str
    place: Place
    queues: tuple[str, ...] = ()
    is_aside: bool = False

    @property
    def where(self) -> str:
        """The place as messages show it."""
        if not self.place.path:
            return "option `pool`"
        return f"{self.place.path}:{self.place.span.line}"

    def related(self) -> tuple[tuple[Place, str], ...]:
        """The place that names it, where that is a file of the project."""
        return ((self.place, f"the {self.name} pool is named here"),) if self.place.path else ()

    def consumes(self, queues: set[str]) -> bool | None:
        """Whether its workers take messages from one of these queues; ``None``: only the run knows."""
        if not queues.isdisjoint(self.queues):
            return True
        return None if ANY_QUEUE in self.queues else False


class WorkerPools(NamedTuple):
    """The worker pools of some applications. Not ``complete``: there may be others that nobody can see.

    ``hidden`` are the commands that may name one.
    """

    known: tuple[Pool, ...]
    complete: bool
    hidden: tuple[WorkerCommand, ...] = ()

    def first(self, *names: str) -> Pool | None:
        """The first known pool that has one of these names."""
        for pool in self.known:
            if pool.name in names:
                return pool
        return None

    def running(self, names: tuple[str, ...], queues: set[str] | None) -> Pool | None:
        """The first pool of these names that may run a task sent to one of these queues.

        Where workers of several pools share the work, the queue decides: a pool that is not known to consume
        the task's queue (``None``: nobody knows it) is given the benefit of the doubt.
        """
        if self.only(*names):
            return self.consuming(queues)[0]
        for pool in self.known:
            if pool.name not in names:
                continue
            configured = not pool.place.path
            if configured or (queues and pool.consumes(queues)):
                return pool
        return None

    def consuming(self, queues: set[str] | None) -> tuple[Pool, ...]:
        """The pools whose workers may take messages of these queues; all, where none does or nobody knows."""
        if not queues:
            return self.known
        answers = [(pool, True if not pool.place.path else pool.consumes(queues)) for pool in self.known]
        return tuple([pool for pool, answer in answers if answer is not False]) or self.known

    def only(self, *names: str) -> bool:
        """Whether all pools are known and among these names."""
        return self.complete and bool(self.known) and all(pool.name in names for pool in self.known)


class Pools:
    """The worker pools of the applications of a project."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)
        self.queues = known.of(Queues)
        self.commands = known.of(Commands)
        self.belonging = known.of(Belonging)
        self.applications = known.of(Applications)
        self._of: dict[tuple[Key, ...], WorkerPools] = {}

    @once
    def all(self) -> WorkerPools:
        """The pools of all applications of the product."""
        return self.of_applications(self.applications.product)

    def of(self, tasks: Iterable[Task]) -> WorkerPools:
        """The pools that may run one of these tasks."""
        applications = {a.origin: a for task in tasks for a in self.belonging.of(task)}
        return self.of_applications(applications.values()) if applications else self.all

    def of_applications(self, applications: Iterable[Application]) -> WorkerPools:
        """The pools that run the tasks of these applications."""
        given = sorted(applications, key=lambda application: application.origin)
        key = tuple(application.origin for application in given)
        found = self._of.get(key)
        if found is None:
            if len(given) > 1:
                found = _joined([self.of_applications([application]) for application in given])
            else:
                found = self._of_one(given)
            self._of[key] = found
        return found

    def _of_one(self, applications: list[Application]) -> WorkerPools:
        """The pools by precedence: option ``pool``, then ``-P`` of a launch file, then ``worker_pool``."""
        if self.project.configuration.pool:
            nowhere = Place("", Span(1, 1, 1, 1))
            stated = tuple(
                [Pool(_ALIASES.get(name, name), nowhere) for name in self.project.configuration.pool]
            )
            return WorkerPools(stated, True)
        configured = self._named_by(applications)
        started = self.commands.of(applications) if applications else self.commands.all
        commands = [command for command in started if not self._stands_in(command)]
        commands = _of_production(commands)
        if not configured:
            commands = commands or started
        if not commands:
            return WorkerPools(tuple(configured), bool(configured))
        consumed = self.queues.consumed(applications)
        unnamed = {command for command in self.commands.of_unknown if command.app} if not configured else ()
        found, hidden = [], []
        for command in commands:
            others = [a for a in self.commands.naming(command) if applications and a not in applications]
            own = self._named_by(others) if others else configured
            pools = _started(command, self._agreed if command in unnamed else own, consumed)
            if not own and not command.pool_stated and self._hides(others or applications):
                hidden.append(command._replace(pool="", hidden=command.hidden or "worker_pool"))
            elif not pools:
                hidden.append(command)
            else:
                found += [pool._replace(is_aside=self._stands_in(command)) for pool in pools]
        return WorkerPools(_merged(found), not hidden, tuple(hidden))

    def _stands_in(self, command: WorkerCommand) -> bool:
        """Whether a command names another pool than prefork where that says nothing of deployed workers.

        On Windows prefork does not work, and who develops wants to see one task after the other.
        """
        return command.pool_stated and command.pool != "prefork" and self.commands.is_aside(command)

    def _named_by(self, applications: list[Application]) -> list[Pool]:
        """The pools that the settings of some applications name; of all, where none are given."""
        settings = [s for a in applications for s in self.settings.candidates(a, "worker_pool")]
        if not applications:
            settings = self.settings.named("worker_pool")
        return [pool for setting in settings if (pool := self._configured(setting)) is not None]

    def _hides(self, applications: list[Application]) -> bool:
        """Whether settings of these applications name a pool that only the run knows, maybe a green one."""
        packages = self.project.deployment.packages
        if packages is not None and packages.isdisjoint(_GREEN):
            return False
        return any(
            setting.value.kind in ("name", "call")
            and not self._is_aside(setting)
            and self.project.constant(setting.module, setting.value) is None
            for application in applications
            for setting in self.settings.candidates(application, "worker_pool")
        )

    @once
    def _agreed(self) -> list[Pool]:
        """The pool that all settings name, if they do: an application that nobody can see may load any."""
        found = [self._configured(setting) for setting in self.settings.named("worker_pool")]
        names = {pool.name if pool is not None else "" for pool in found}
        return [pool for pool in found[:1] if pool is not None and len(names) == 1]

    def _configured(self, setting: Setting) -> Pool | None:
        if self._is_aside(setting):
            return None
        name = self.project.text(setting.module, setting.value)
        return Pool(_ALIASES.get(name, name), setting.place) if name is not None else None

    def _is_aside(self, setting: Setting) -> bool:
        """Whether a setting counts only on Windows or where the product is developed."""
        return setting.module.sets_apart(setting.place.span.line) or is_development_path(setting.module.path)

    def may_be_green(self, pools: WorkerPools) -> bool:
        """Whether what only the run knows may name gevent or eventlet, and nothing names prefork."""
        return bool(pools.hidden) and pools.first("prefork") is None and self.green_possible

    @once
    def green_possible(self) -> bool:
        """Whether gevent or eventlet may be a pool here: something installs, names or imports one of them."""
        packages = self.project.deployment.packages
        if packages is None:
            return True
        if not packages.isdisjoint(_GREEN) and not self._serve_web_sockets:
            return True
        if any(command.pool in _GREEN for command in self.commands.all) or self.all.first(*_GREEN):
            return True
        return any(
            name.partition(".")[0] in _GREEN
            for module in self.project.product_modules()
            for name in module.imports.values()
        )

    @once
    def _serve_web_sockets(self) -> bool:
        """Whether what is installed of them is there for web sockets, and no text names a pool of it.

        As Flask-SocketIO asks for eventlet. A command that hides its pool may name it all the same.
        """
        if any(command.hidden or command.open_ended for command in self.commands.all):
            return False
        written = self.project.deployment.written
        words = [*_GREEN, *map(str.title, _GREEN)]
        paths = {path for word in words for path in written.holding(word)}
        if any(written.ask(path, _names_a_pool) for path in paths):
            return False
        return any(is_list(path) and written.ask(path, _names_a_server) for path in paths)

    @once
    def awaits_tasks(self) -> bool:
        """Whether the project installs a worker pool or tracer that awaits coroutine tasks."""
        if self.project.configuration.pool_classes:
            return True
        for module in self.project.product_modules():
            imported = [*module.imports.values(), *module.star_imports]
            if any(name.partition(".")[0] in _COROUTINE_POOLS for name in imported):
                return True
            if any(assignment.target.startswith("celery.app.trace") for assignment in module.assignments):
                return True
            if any(name == "celery.app.trace.build_tracer" for name in imported):
                return True
        return any(":" in command.pool or command.pool == "custom" for command in self.commands.all)


def _of_production(commands: list[WorkerCommand]) -> list[WorkerCommand]:
    """The commands without those of a file that another stands for where the product is deployed.

    That starts at least as many workers of its own: `compose.prod.yml` beside `compose.yml`.
    """
    started = Counter(command.path for command in commands)
    replaced = {
        replaced_by(path) for path, several in started.items() if several >= started[replaced_by(path)]
    }
    return [command for command in commands if command.path not in replaced]


def _started(command: WorkerCommand, configured: list[Pool], consumed: tuple[str, ...]) -> list[Pool]:
    """The pool of the workers that a command starts; ``consumed``: their queues unless it says more.

    None where it cannot be told, several where settings name one or the other.
    """
    place = command.place
    queues = tuple([name for name in command.queues.split(",") if name]) or consumed
    if command.pool_stated and command.pool:
        return [Pool(_ALIASES.get(command.pool, command.pool), place, queues)]
    if not command.pool_stated and configured:
        named: dict[str, Pool] = {}
        for pool in configured:
            named.setdefault(pool.name, pool._replace(queues=queues))
        return list(named.values())
    return [Pool(command.pool, place, queues)] if command.pool else []


def _merged(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """One of each name and its queues: a second command for the same work says nothing new."""
    found: dict[tuple[str, tuple[str, ...]], Pool] = {}
    for pool in pools:
        found.setdefault((pool.name, pool.queues if pool.place.path else ()), pool)
    return tuple(found.values())


def _joined(all_pools: list[WorkerPools]) -> WorkerPools:
    pools = [pool for some in all_pools for pool in some.known]
    hidden = dict.fromkeys(command for some in all_pools for command in some.hidden)
    return WorkerPools(_merged(dict.fromkeys(pools)), all(some.complete for some in all_pools), tuple(hidden))


def _names_a_pool(text: bytes) -> bool:
    return _NAMED.search(text) is not None


def _names_a_server(text: bytes) -> bool:
    return _SERVERS.search(text) is not None
