"""Where a task may wait forever: for something outside its process, and nothing ends the wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.analysis.limits.io_timeouts import ENDLESS, IoTimeouts
from celery_lint.inventory.application.loaded import Loaded
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
    MAILS_THAT_STAY,
    PROCESSES,
    SOCKET_WAITS,
    STATEMENTS,
    WAITING,
    WAITING_FUNCTIONS,
)
from celery_lint.model.calls import Call
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.words import held
from celery_lint.project.known import Known, once

# Of asyncio, what waits for others than coroutines.
_OUTSIDE = ("asyncio.open_", "asyncio.create_subprocess_", "asyncio.streams.", "asyncio.subprocess.")
# Libraries of which only the calls that IoTimeouts knows open or use a connection without a timeout.
_JUDGED = tuple({path[: path.index(".") + 1] for path in ENDLESS} - {"socket."})
# These make something ready, or let go of it, and wait for nobody.
_MAKING = frozenset({"close", "set_missing_host_key_policy"})
_BACKEND = "EMAIL_BACKEND"
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
        self.loaded = known.of(Loaded)
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
        if _is_limited(call) or self.timeouts.wait(site, call) is not None:
            return None  # the latter is told at its place, if it is come to
        entity = self.project.resolve(site.module, call.chain)
        name = entity.name if entity.kind == "external" else ""
        if name in PROCESSES or name.startswith(_OUTSIDE):
            return 0
        if not name.startswith(WAITING) or name.startswith((*_JUDGED, *ENDING_BY_THEMSELVES, *STATEMENTS)):
            return None
        if name.startswith(_SOCKET) and site.function.mentions(*_OF_SOCKETS):
            return None
        return None if _only_makes(name, call) or self._ended_for_all(name) else 1

    # ------------------------------------------------------------------ what ends all waits of a kind

    def _ended_for_all(self, name: str) -> bool:
        """Whether a client of this name may have a timeout that is written down elsewhere."""
        if not name.startswith("django.core.mail."):
            return False
        return self._mails_end or (".smtp." not in name and (self._mails_stay or self._mails_go_elsewhere))

    @once
    def _mails_end(self) -> bool:
        return any(self._configured("EMAIL_TIMEOUT"))

    @once
    def _mails_stay(self) -> bool:
        """Whether all settings of Django say that mails are printed, kept or forgotten.

        What only some say, or what stands below ``if DEBUG:``, is for somebody who develops: elsewhere they
        go to a server.
        """
        said = self.loaded.in_django(_BACKEND)
        found = [given for each in said for given in each]
        values = [(given.module, given.value) for given in found] + list(self._configured(_BACKEND))
        return (
            bool(found)
            and all(said)
            and all(self.project.text(*value) in MAILS_THAT_STAY for value in values)
            and not any(given.module.sets_apart(given.value.span.line) for given in found)
        )

    @once
    def _mails_go_elsewhere(self) -> bool:
        """Whether mails leave by a task, or a service with a timeout of its own.

        A backend that only the run knows is that of Django where it is the default, or something names a
        server.
        """
        unknown = "smtp" if any(self._configured("EMAIL_HOST")) else ""
        backends = [
            self.project.text(module, value) or ("smtp" if _says_smtp(value) else unknown)
            for module, value in self._configured(_BACKEND)
        ]
        own = [name for name in backends if name.startswith("django.core.mail.")]
        return len(own) < len(backends) and not any("smtp" in name for name in backends)

    def _configured(self, name: str) -> Iterator[tuple[Module, Value]]:
        """What modules and classes of the product give a setting of Django."""
        for module in self.project.product_modules():
            for values in (module.bindings, *(class_.attributes for class_ in module.classes.values())):
                yield from [(module, value) for value in values.get(name, ())]


def _says_smtp(value: Value) -> bool:
    """Whether an expression holds the name of Django's backend, such as the default of a variable."""
    return any(isinstance(each.data, str) and ".smtp." in each.data for each in held(value))


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
