"""Which worker pools the project runs its tasks in, and where that can be read."""

from __future__ import annotations

from celery_lint.diagnostics import Span
from celery_lint.inventory.application.settings import Settings
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once
from celery_lint.project.project import Project

_COROUTINE_POOLS = frozenset({"celery_aio_pool", "celery_pool_asyncio", "aio_celery", "celery_asyncio_pool"})

DEFAULT_QUEUE = "celery"
_ALIASES = {"processes": "prefork", "thread": "threads"}


class Pool(NamedTuple):
    """One worker pool, the place that names it and the queues that its workers are told to consume.

    ``place.path`` is empty for a pool that the configuration of celery-lint gives.
    """

    name: str
    place: Place
    queues: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The place as messages show it."""
        if not self.place.path:
            return "option `pool`"
        return f"{self.place.path}:{self.place.span.line}"


class Pools:
    """The worker pools of a project; empty means that nobody can tell."""

    def __init__(self, known: Known) -> None:
        self.known = _pools(known.project, known.of(Settings))
        self.project = known.project

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
            return self.known[0]
        for pool in self.known:
            if pool.name not in names:
                continue
            configured = not pool.place.path
            if configured or (queues and queues & set(pool.queues or (DEFAULT_QUEUE,))):
                return pool
        return None

    def only(self, *names: str) -> bool:
        """Whether pools are known and all of them are among these names."""
        return bool(self.known) and all(pool.name in names for pool in self.known)

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
        return any(":" in command.pool or command.pool == "custom" for command in self.project.commands)


def _pools(project: Project, settings: Settings) -> tuple[Pool, ...]:
    """The pools by precedence: option ``pool``, then ``-P`` of a launch file, then ``worker_pool``."""
    if project.configuration.pool:
        nowhere = Place("", Span(1, 1, 1, 1))
        return tuple([Pool(_ALIASES.get(name, name), nowhere) for name in project.configuration.pool])
    configured = [
        Pool(_ALIASES.get(name, name), setting.place)
        for setting in settings.named("worker_pool")
        if (name := project.text(setting.module, setting.value)) is not None
    ]
    found: dict[str, Pool] = {}
    for command in project.commands:
        place = Place(command.path, Span(command.line, 1, command.line, 1))
        queues = tuple(name for name in command.queues.split(",") if name)
        if command.pool_stated and command.pool:
            pool = Pool(_ALIASES.get(command.pool, command.pool), place, queues)
        elif configured:
            pool = configured[0]._replace(queues=queues)
        elif command.pool:
            pool = Pool(command.pool, place, queues)
        else:
            continue
        first = found.get(pool.name)
        if first is None:
            found[pool.name] = pool
        else:
            consumed = (*(first.queues or (DEFAULT_QUEUE,)), *(queues or (DEFAULT_QUEUE,)))
            found[pool.name] = first._replace(queues=tuple(dict.fromkeys(consumed)))
    if not found and not project.commands:
        for pool in configured:
            found.setdefault(pool.name, pool)
    return tuple(found.values())
