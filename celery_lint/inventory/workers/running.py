"""Which pool runs a task: the one question about workers that most rules ask."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.inventory.workers.queues import Queues
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known

#: Pools whose workers fork no processes for their tasks.
UNFORKED = ("threads", "solo", "gevent", "eventlet")


class Doubt(NamedTuple):
    """Why a pool is unknown, in words, and the place that says so if there is one."""

    why: str
    place: Place | None


class Workers:
    """The workers that run tasks."""

    def __init__(self, known: Known) -> None:
        self.pools = known.of(Pools)
        self.queues = known.of(Queues)

    def running(self, names: tuple[str, ...], tasks: Iterable[Task]) -> Pool | None:
        """The first pool of these names that may run one of these tasks, by their applications and queues."""
        given = list(tasks)
        return self.pools.of(given).running(names, self.queues.of(given))

    def only(self, names: tuple[str, ...], tasks: Iterable[Task]) -> Pool | None:
        """A pool that runs these tasks, if all that may, by application and queue, have these names."""
        given = list(tasks)
        pools = self.pools.of(given)
        if not pools.complete:
            return None
        running = pools.consuming(self.queues.of(given))
        return running[0] if running and all(pool.name in names for pool in running) else None

    def unknown(self, tasks: Iterable[Task]) -> Doubt | None:
        """Why gevent or eventlet may run these tasks although nothing says so; ``None`` if they cannot."""
        pools = self.pools.of(tasks)
        if pools.complete or not self.pools.green_possible:
            return None
        if not pools.hidden:
            return Doubt("no worker command names the pool", None)
        command = pools.hidden[0]
        word = f"`{command.hidden}` may name the pool" if command.hidden else "this command hides it"
        return Doubt(f"{word} ({command.path}:{command.line})", command.place)

    def certainly_fork(self, tasks: Iterable[Task]) -> bool:
        """Whether the pool of these tasks is known to fork, or is the default and nothing names another."""
        given = list(tasks)
        pools = self.pools.of(given)
        if pools.complete:
            return self.running(("prefork",), given) is not None
        return not pools.known and not pools.hidden and not self.pools.green_possible

    def forks(self, tasks: Iterable[Task]) -> bool:
        """Whether a pool that forks may run one of these tasks: prefork, or nobody can tell.

        An application that no command starts and that names no pool, as one for beat or for sending is made,
        says nothing where the others name pools that do not fork; nor does a command that may name another.
        """
        given = list(tasks)
        pools = self.pools.of(given)
        if not pools.complete and pools.known:
            return any(pool.name not in UNFORKED for pool in pools.known)
        return not pools.complete or self.running(("prefork",), given) is not None
