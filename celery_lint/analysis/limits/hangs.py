"""Where a task may wait forever: for something outside its process, and nothing ends the wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.analysis.limits.io_timeouts import ENDLESS, IoTimeouts
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.sites import Site
from celery_lint.inventory.code.waiting import Waiting
from celery_lint.inventory.resources.databases import Databases
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pools
from celery_lint.libraries.django import LAZY
from celery_lint.libraries.network import CONNECTS, ENDING_BY_THEMSELVES, PROCESSES, WAITING_PARTS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Module, Place
from celery_lint.project.known import Known, once

# What coroutines wait for among themselves, and what of asyncio waits for others.
_INSIDE = ("asyncio.", "anyio.", "trio.")
_OUTSIDE = ("asyncio.open_", "asyncio.create_subprocess_", "asyncio.streams.", "asyncio.subprocess.")
# What runs a coroutine waits for what that waits for.
_RUNNING = ("asyncio.run", "anyio.run", "asgiref.sync.async_to_sync")
_RUN_UNTIL = "run_until_complete"
# Libraries of which only the calls that IoTimeouts knows open or use a connection without a timeout.
_JUDGED = tuple({path[: path.index(".") + 1] for path in ENDLESS} - {"socket."})
# What asks a database, which hangs where a row is locked or the connection is lost, and seldom else.
_DATABASES = (
    "sqlalchemy.", "django.db.", "psycopg.", "psycopg2.", "pymysql.", "MySQLdb.", "pymongo.", "redis.",
)  # fmt: skip
# These make or let go of something, and wait for nobody.
_MAKING = frozenset(
    {
        "add", "add_all", "async_scoped_session", "async_sessionmaker", "client", "close",
        "create_async_engine", "create_engine", "from_url", "resource", "scoped_session", "sessionmaker",
    }
)  # fmt: skip


_SESSION_MAKERS = ("sessionmaker()", "scoped_session()")
_LOOPS = frozenset({"get_event_loop", "get_running_loop", "is_closed", "is_running", "new_event_loop"})


class Hang(NamedTuple):
    """Where a task may wait forever.

    ``doubt`` is 0 for what asks another machine or program for certain and has no timeout of its own, greater
    for a statement to the database, which answers as a rule, and greatest for a query or a session that is
    only made there, and waits where it is used.
    """

    place: Place
    doubt: int


class Hangs:
    """The waits of tasks that nothing ends."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.waiting = known.of(Waiting)
        self.timeouts = known.of(IoTimeouts)
        self.layers = known.of(Layers)
        self.pools = known.of(Pools)
        self.databases = known.of(Databases)
        self.task_options = known.of(TaskOptions)
        self.functions = known.project.functions

    def of(self, task: Task) -> Hang | None:
        """The wait of a task that is most certain to be one without an end, the first of several."""
        if task.function is None or self._never_runs(task):
            return None
        return min(self._of(task), key=lambda hang: hang.doubt, default=None)

    def _never_runs(self, task: Task) -> bool:
        """Whether a task is a coroutine that nobody awaits: its body never runs."""
        if self.pools.awaits_tasks or self.task_options.has_own_call(task):
            return False
        return self.layers.coroutine(task) is not None

    def _of(self, task: Task) -> Iterator[Hang]:
        for module, function in self.graph.closure_of(task):
            site = Site(module, function, (task,))
            for call in self.functions.calls(module, function):
                doubt = self._doubt(site, call)
                if doubt is not None and not self.timeouts.ended(site, call):
                    yield Hang(module.place(call.span), doubt)

    def _doubt(self, site: Site, call: Call) -> int | None:
        """How doubtful it is that a call waits without an end; ``None`` if it does not, or nobody can see."""
        if self.timeouts.wait(site, call) is not None:
            return 0
        if _is_limited(call):
            return None
        entity = self.project.resolve(site.module, call.chain)
        name = entity.name if entity.kind == "external" else ""
        if name.startswith(PROCESSES):
            return 0 if name != "subprocess.Popen" else None
        if name.startswith(_OUTSIDE):
            return 0
        if name.startswith((*_JUDGED, *ENDING_BY_THEMSELVES, *_RUNNING)) or call.leaf() == _RUN_UNTIL:
            return 3 if self._runs_the_unseen(site, call) else None
        if self.waiting.is_wait(site.module, call):
            if _only_makes(name, call) or self._ended_for_all(name):
                return None
            if _asks_a_database(name) and self.databases.gives_up(name, call.chain):
                return None
            return 4 if _only_asks(name, call) else 2 if _asks_a_database(name) else 1
        unseen = site.function.is_async and call.is_awaited and self._is_unseen(site.module, call)
        return 3 if unseen else None

    def _is_unseen(self, module: Module, call: Call) -> bool:
        """Whether a call is not of the project, and not of a library that waits for coroutines of its own."""
        if self.graph.target(module, call.chain) is not None:
            return False
        entity = self.project.resolve(module, call.chain)
        return entity.kind != "external" or not entity.name.startswith(_INSIDE)

    def _runs_the_unseen(self, site: Site, call: Call) -> bool:
        """Whether a coroutine is run that nobody can see into: it is there to wait for something."""
        given = call.argument(0)
        if given.kind != "call":
            return False
        return self._is_unseen(site.module, self.functions.calls(site.module, site.function)[given.number])

    # ------------------------------------------------------------------ what ends all waits of a kind

    def _ended_for_all(self, name: str) -> bool:
        """Whether a client of this name may have a timeout that is written down elsewhere."""
        if name.startswith("redis."):
            return self._mentions_socket_timeout
        return name.startswith("django.core.mail.") and any(
            "EMAIL_TIMEOUT" in module.bindings
            or any("EMAIL_TIMEOUT" in c.attributes for c in module.classes.values())
            for module in self.project.product_modules()
        )

    @once
    def _mentions_socket_timeout(self) -> bool:
        return any(self.project.holding("socket_timeout"))


def _is_limited(call: Call) -> bool:
    """Whether a call gives a timeout, or what may hold one."""
    return call.is_open_ended or any(
        "timeout" in given.keyword.lower() and not given.is_none for given in call.takes
    )


def _only_makes(name: str, call: Call) -> bool:
    """Whether a call makes or lets go of something and waits for nobody."""
    leaf = call.leaf()
    return leaf in _MAKING or (leaf[:1].isupper() and name not in CONNECTS)


def _asks_a_database(name: str) -> bool:
    """Whether a wait is a statement to a database: of what is found by its chain alone, all is."""
    return not name or name.startswith(_DATABASES) or any(part in name for part in WAITING_PARTS)


def _only_asks(name: str, call: Call) -> bool:
    """Whether a call only makes what waits when it is used: a query, a statement, a session, a loop."""
    if name.startswith("sqlalchemy."):
        return "()" not in name or name.endswith(_SESSION_MAKERS)
    return call.leaf() in (LAZY if ".objects." in call.chain else _LOOPS)
