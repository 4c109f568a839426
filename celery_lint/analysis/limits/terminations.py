"""Tasks that are ended from outside: what is sent to the process that runs one."""

from __future__ import annotations

import re

from celery_lint.inventory.application.applications import is_application
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.libraries.celery import RESULTS
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once
from celery_lint.project.project import Project

# Where one greenlet is ended, and where nothing is.
_GREEN = ("gevent", "eventlet")
_UNABLE = ("threads", "solo")

# What ends a process of the prefork pool. It ignores SIGINT, and has a handler of its own for SIGUSR1, which
# raises SoftTimeLimitExceeded in the task.
_DEADLY = frozenset({"SIGABRT", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGTERM"})
_SOFT = "SIGUSR1"
_NUMBERS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 6: "SIGABRT", 9: "SIGKILL", 10: "SIGUSR1", 15: "SIGTERM"}
_SENDING = ("revoke", "revoke_by_stamped_headers", "terminate", "broadcast", "kill")

# Of a task these are names, not the id of one of its runs.
_NAMES = frozenset({"__name__", "name", "task_name"})
_ID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")

# Calls that send a task under an id of the project's own.
_GIVING_IDS = (".apply_async", ".send_task", ".signature", ".s", ".si", ".set")


class Termination(NamedTuple):
    """A task that is revoked with ``terminate=True``. ``pool`` is the first of those that cannot do it."""

    place: Place
    signal: str
    pool: Pool | None


class Terminations:
    """The calls that send a signal to the process of a task."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.pools = known.of(Pools)
        self.sendings = known.of(Sendings)
        self.tasks = known.of(Tasks)
        self._pools: dict[str, Pool | None] = {}

    @facts
    def deadly(self) -> list[Termination]:
        """The calls that kill what runs a task."""
        if self.pools.all.first(*_GREEN):  # there they end one greenlet
            return []
        return [
            Termination(module.place(call.span), signal, self._unable(module))
            for module, call, signal in self._calls
            if signal in _DEADLY
            and self._terminates(module, call)
            # a command is given by somebody who looks
            and "/management/commands/" not in f"/{module.path}"
        ]

    @once
    def raise_soft_limits(self) -> bool:
        """Whether one of them raises the exception of a soft limit in a task, or may."""
        return any(
            signal == _SOFT or (not signal and self._terminates(module, call))
            for module, call, signal in self._calls
        )

    @once
    def _calls(self) -> list[tuple[Module, Call, str]]:
        """The calls that may send a signal to a process, with its name, or nothing if it cannot be seen."""
        return [
            (module, call, self._signal(module, call))
            for module, function in self.project.calling(*(f".{leaf}" for leaf in _SENDING))
            for call in self.functions.calls(module, function)
            if call.leaf() in _SENDING
        ]

    def _signal(self, module: Module, call: Call) -> str:
        """The name of the signal that a call sends, ``SIGTERM`` if it names none."""
        if any(self._name(module, given) == _SOFT for given in call.takes):
            return _SOFT
        if call.is_open_ended:
            return ""
        given = call.keyword("signal")
        return self._name(module, given) if given and not given.is_none else "SIGTERM"

    def _name(self, module: Module, given: Argument) -> str:
        """The signal that an argument is: its name with or without ``SIG``, its number, or Python's own."""
        if not given.chain or given.chain[:1] == "%":
            return _spelled(given.text, given.amount)
        entity = self.project.resolve(module, given.chain)
        owner, name = entity.origin or ("", "")
        home = self.project.modules.find(owner)
        bound = home.bindings.get(name, ()) if home is not None else ()
        if len(bound) > 1 or any(value.kind == "either" for value in bound):
            return ""  # one on this system, and another elsewhere
        if entity.kind == "external":
            parts = entity.name.split(".")
            return next((p for p in parts[1:] if p.startswith("SIG")), "") if parts[0] == "signal" else ""
        if entity.kind != "value" or entity.module is None:
            return ""
        constant = (entity.module, entity.value)
        return _spelled(self.project.text(*constant) or "", self.project.number(*constant))

    def _unable(self, module: Module) -> Pool | None:
        """A pool that cannot end a task, if it runs what a module terminates.

        A program that ends tasks by their id has the ids of those that it has sent, to queues that it names.
        """
        if module.path not in self._pools:
            queues: set[str] | None = set()
            for function in module.functions.values():
                for sending in self.sendings.within(module, function):
                    given = dict(sending.options).get("queue")
                    name = self.project.text(module, given) if given is not None else None
                    queues = queues | {name} if name is not None and queues is not None else None
            pools = self.pools.all
            running = pools.consuming(queues)
            unable = pools.complete and running and all(pool.name in _UNABLE for pool in running)
            self._pools[module.path] = running[0] if unable else None
        return self._pools[module.path]

    def _terminates(self, module: Module, call: Call) -> bool:
        owner, _, leaf = call.chain.rpartition(".")
        if leaf != "terminate" and (leaf != "revoke" or not call.keyword("terminate").is_true):
            return False
        if self._is_no_id(module, call.argument(0, "task_id")):
            return False  # nothing runs under it, so nothing is ended
        if owner.endswith(".control") and owner[:1] == "%":
            return leaf == "revoke"  # nothing else has a `control` that revokes and terminates
        entity = self.project.resolve(module, owner)
        if entity.kind == "external":
            application, _, name = entity.name.rpartition(".")
            if name == "AsyncResult()" and is_application(application):
                return leaf == "revoke"
            if name == "control" and (is_application(application) or application.startswith("celery.")):
                return True
            return leaf == "revoke" and entity.name in RESULTS
        task, _, made = owner.rpartition(".")
        sends = made in ("delay()", "apply_async()", "AsyncResult()")
        known = self.tasks.of(self.project.resolve(module, task)) if sends else None
        return leaf == "revoke" and (known is not None or self._is_control(module, owner))

    def _is_no_id(self, module: Module, given: Argument) -> bool:
        """Whether what is revoked is the name of a task or of an entry of beat, under which nothing runs."""
        if given.leaf.lstrip("%") in _NAMES:
            return True
        text = given.text
        if given.chain and given.chain[:1] != "%":
            entity = self.project.resolve(module, given.chain)
            known = entity.value if entity.kind == "value" else None
            if (
                known is not None
                and known.kind == "sequence"
                and known.items
                and not _gives_ids(self.project)
            ):
                texts = [item.data for item in known.items]
                return all(isinstance(each, str) and not _ID.fullmatch(each) for each in texts)
            text = known.data if known is not None and isinstance(known.data, str) else ""
        if not text or _ID.fullmatch(text):
            return False
        return not any(
            function.may_call(*_GIVING_IDS)
            for _, function in self.project.holding(f"task_id:'{text}", f"task_id:={given.chain or '-'}")
        )

    def _is_control(self, module: Module, owner: str) -> bool:
        """Whether a chain is the ``control`` of something that nobody can see through."""
        return owner.endswith(".control") and self.project.resolve(module, owner).kind == "unknown"


def _gives_ids(project: Project) -> bool:
    """Whether somebody sends a task under an id of its own: a list of names may be a list of such."""
    return any(project.holding("task_id:"))


def _spelled(text: str, number: float | None) -> str:
    """A signal by its usual name."""
    if number is not None:
        return next((name for known, name in _NUMBERS.items() if known == number), "")
    return f"SIG{text.removeprefix('SIG')}" if text else ""
