"""Where a task may wait forever: for something outside its process, and nothing ends the wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.analysis.limits.io_timeouts import ENDLESS, IoTimeouts
from celery_lint.analysis.limits.messages import Mails
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.sites import Site
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pools
from celery_lint.libraries.network import (
    DOCKER_WAITS,
    ENDING_BY_THEMSELVES,
    MAIL_SENDING,
    PROCESSES,
    SOCKET_WAITS,
    STATEMENTS,
    WAITING,
    WAITING_FUNCTIONS,
)
from celery_lint.model.calls import Call
from celery_lint.model.facts import Place
from celery_lint.project.known import Known

# Of asyncio, what waits for others than coroutines.
_OUTSIDE = ("asyncio.open_", "asyncio.create_subprocess_", "asyncio.streams.", "asyncio.subprocess.")
# Libraries of which only the calls that IoTimeouts knows open or use a connection without a timeout.
_JUDGED = tuple({path[: path.index(".") + 1] for path in ENDLESS} - {"socket."})
# These make something ready, or let go of it, and wait for nobody.
_MAKING = frozenset({"close", "set_missing_host_key_policy"})
_SOCKET = "socket.socket()."
# What gives a socket, or all, a timeout.
_OF_SOCKETS = ("settimeout", "setdefaulttimeout")
# What an answer may be: its methods wait for nobody.
_PLAIN = (bytes, dict, list, str)


class Hang(NamedTuple):
    """Where a task may wait forever.

    ``doubt`` is 0 for another program, greater for another service.
    """

    place: Place
    doubt: int


class Hangs:
    """The waits of tasks that nothing ends."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.timeouts = known.of(IoTimeouts)
        self.layers = known.of(Layers)
        self.pools = known.of(Pools)
        self.task_options = known.of(TaskOptions)
        self.mails = known.of(Mails)
        self.functions = known.project.functions

    def of(self, task: Task) -> Hang | None:
        """The wait of a task that is most certain to be one without an end, the first of several.

        None of those that another rule names, each at its place: a timeout there is the better end.
        """
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
        if _is_limited(call) or self.timeouts.is_told(site, call):
            return None  # the latter is told at its place, if it is come to
        entity = self.project.resolve(site.module, call.chain)
        name = entity.name if entity.kind == "external" else ""
        if name in PROCESSES or name.startswith(_OUTSIDE):
            return 0
        if not name.startswith(WAITING) or name.startswith((*_JUDGED, *ENDING_BY_THEMSELVES, *STATEMENTS)):
            return None
        if name.startswith(_SOCKET) and site.function.mentions(*_OF_SOCKETS):
            return None
        return None if _only_makes(name, call) or self.mails.end(name) else 1


def _is_limited(call: Call) -> bool:
    """Whether a call gives a timeout, or what may hold one."""
    return call.is_open_ended or any(
        "timeout" in given.keyword.lower() and not given.is_none for given in call.takes
    )


def _only_makes(name: str, call: Call) -> bool:
    """Whether a call makes or lets go of something, or asks an answer that is there, and waits for nobody."""
    leaf = call.leaf()
    if name.startswith("docker."):
        return leaf not in DOCKER_WAITS or bool(call.keyword("detach"))
    if name.startswith(_SOCKET):
        return leaf not in SOCKET_WAITS
    made = name.count("()")
    if made == 0:
        return name not in WAITING_FUNCTIONS
    if name.startswith(("django.core.mail.", "flask_mail.")):
        return leaf not in MAIL_SENDING
    return leaf in _MAKING or (made > 1 and any(hasattr(kind, leaf) for kind in _PLAIN))
