"""Tasks that do not begin again when their message comes back."""

from __future__ import annotations

import re
from collections.abc import Mapping

from celery_lint.analysis.limits.claims import Claims
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.resources.sessions import is_context_manager
from celery_lint.inventory.tasks.schedules import Entry, Schedules
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.senders.hidden import HiddenSenders
from celery_lint.libraries.celery import CRONTAB
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

# What a delivery says of itself.
_ASKED = ("redelivered", "delivery_info")
# A comparison with a status that says somebody has begun: `job.status == JobStatus.RUNNING`.
_BEGUN = re.compile(
    r"(?:status|state):[=\'](?:\S*[.:])?(?:in_progress|started|active|(?!pend|wait)\w+ing)$", re.IGNORECASE
)
# A comparison that says nobody has begun yet, where anything else leaves: `job.status != JobStatus.PENDING`.
_WAITING = re.compile(
    r"^=?!\S*(?:status|state):[='](?:\S*[.:])?(?:new|created|pending|queued|scheduled|waiting|ready|retry(?:ing)?)$",
    re.IGNORECASE,
)
_SAVING = (".commit", ".save", ".update")
# What takes a lock, and says whether it could: `if not lock.acquire(blocking=False): return`.
_TAKING = (".acquire", ".add", ".setnx", ".set")
# A task that comes again so soon comes as often as one that is delivered again; and a crontab of that kind.
_SOON = 300.0  # seconds
_SOON_BY_CRONTAB = re.compile(r"\*(?:/[1-5])?")
_UNITS = {"seconds": 1.0, "minutes": 60.0}
_TIMEDELTA = "datetime.timedelta"
_ARGUMENTS = frozenset({"args", "kwargs"})
# Their locks end with the process that has them.
_OF_THE_PROCESS = ("threading.", "multiprocessing.", "asyncio.", "gevent.")


class Redelivered:
    """Which tasks keep themselves from running twice for one message."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.hidden = known.of(HiddenSenders)
        self.claims = known.of(Claims)

    def is_harmless(self, task: Task) -> bool:
        """Whether a message that comes back is none the worse: it runs nothing, or others come anyway."""
        return self.is_stopped(task) or task.key in self._polls

    def is_stopped(self, task: Task) -> bool:
        """Whether a task looks at whether it has been delivered before, or what stands around it may leave.

        Or it leaves where what it works on has begun already, and writes down that it begins; or where it
        does not get a lock at once, which the process that was killed still holds. Or each of its messages
        expires: workers throw away what comes back later.
        """
        if task.key in self._expiring:
            return True
        if any(self._may_leave(module, function) for module, function in self.graph.around(task)):
            return True
        return any(self._stops(module, function) for module, function in self.graph.closure_of(task, 1))

    @once
    def _expiring(self) -> set[Key]:
        """The tasks that are sent with an end for their message wherever they are sent."""
        ends: dict[Key, bool] = {}
        for key, sendings in self.sendings.by_task.items():
            ends[key] = all(map(_is_told_to_expire, sendings))
        for entry in self.schedules.all:
            task = self.schedules.task(entry)
            if task is not None:
                ending = not self.hidden.may_send_anything and self._expires(entry)
                ends[task.key] = ending and ends.get(task.key, True)
        return {key for key, ending in ends.items() if ending}

    def _expires(self, entry: Entry) -> bool:
        """Whether the messages that beat sends for an entry have an end."""
        given: Mapping[str, Value] = entry.given
        if entry.written == "mapping":
            options = self.project.constant(entry.module, entry.given.get("options"))
            given = dict(options.keywords) if options is not None and options.kind == "mapping" else {}
        end = given.get("expires")
        return entry.certain and end is not None and not (end.kind == "constant" and end.data is None)

    @once
    def _polls(self) -> frozenset[Key]:
        """The tasks that beat alone sends, without arguments, every few minutes or sooner."""
        if self.hidden.may_send_anything:
            return frozenset()
        found: dict[Key, bool] = {}
        for entry in self.schedules.all:
            task = self.schedules.task(entry)
            if task is not None:
                soon = entry.certain and not self._needs_arguments(task) and self._is_soon(entry)
                found[task.key] = soon and found.get(task.key, True)
        # A signature sends nothing by itself, but whoever has it may, with arguments of its own.
        return frozenset(key for key, soon in found.items() if soon) - self.sendings.by_task.keys()

    def _needs_arguments(self, task: Task) -> bool:
        return task.function is None or self.hidden.needs_arguments(task, task.function)

    def _is_soon(self, entry: Entry) -> bool:
        """Whether an entry gives nothing to its task, and is due again soon."""
        given = entry.given.get("schedule")
        if (
            entry.hidden
            or entry.written != "mapping"
            or given is None
            or not _ARGUMENTS.isdisjoint(entry.given)
        ):
            return False
        seconds = self.project.usual_number(entry.module, given)
        if seconds is not None:
            return 0 < seconds <= _SOON
        made = self.project.value_entity(entry.module, given) if given.kind == "name" else None
        module, value = (made.module, made.value) if made is not None else (entry.module, given)
        if module is None or value is None or value.kind != "call":
            return False
        schedule = self.project.resolve(module, value.chain)
        if schedule.kind == "class":  # of the project: nobody can tell how soon that is
            return True
        name = schedule.name
        if value.items:
            return False
        given_by_name = [key for key, _ in value.keywords]
        if name == CRONTAB and given_by_name in ([], ["minute"]):
            minute = self.project.text(module, value.keyword("minute")) if value.keywords else "*"
            return minute is not None and _SOON_BY_CRONTAB.fullmatch(minute) is not None
        if name != _TIMEDELTA or not _UNITS.keys() >= set(given_by_name):
            return False
        numbers = [(_UNITS[key], self.project.number(module, item)) for key, item in value.keywords]
        return all(number for _, number in numbers) and sum(u * (n or 0) for u, n in numbers) <= _SOON

    def _may_leave(self, module: Module, function: Function) -> bool:
        """Whether something that stands around the function of a task may give back without calling it."""
        if not function.has("if"):
            return False
        flow = self.functions.of(module, function)
        return any(
            step.kind == "if"
            and any(inner.kind == "return" and not inner.calls for inner in flow.below(step))
            for step in flow.steps
        )

    def _stops(self, module: Module, function: Function) -> bool:
        if function.mentions(*_ASKED) or function.states(*_ASKED):
            return True
        if not (function.has("if") or function.has("try")):
            return False
        flow = self.functions.of(module, function)
        return any(
            step.kind == "if"
            and (
                (_asks(step) and self._saves(module, function))
                or self._is_locked_out(module, function, step)
                or self.claims.is_refused(module, function, step)
            )
            and _leaves(flow, step)
            for step in flow.steps
        ) or any(
            step.kind == "handler"
            and flow.ends(flow.body(step))
            and self.claims.is_missed(module, function, step)
            for step in flow.steps
        )

    def _saves(self, module: Module, function: Function) -> bool:
        """Whether a function stores something, by itself or by a method that does nothing before."""
        calls = self.functions.calls(module, function)
        return function.may_call(*_SAVING) or any(
            self.claims.stores_by_method(module, calls, call) for call in calls
        )

    def _is_locked_out(self, module: Module, function: Function, step: Step) -> bool:
        """Whether a statement asks for a lock without waiting, and goes on below where there is none.

        So does one that asks a function of the project which gives that, or the block that one makes:
        ``with job_lock(key) as acquired``.
        """
        if not step.asks_in_the_negative or not step.value.endswith("()"):
            return False
        taken = step.value[1:].removesuffix("()")
        target = self.graph.target(module, taken)
        if target is not None:
            return self._gives_a_lock(*target)
        calls = self.functions.calls(module, function)
        return any(call.chain == taken and self._takes_at_once(module, call) for call in calls)

    def _gives_a_lock(self, module: Module, function: Function) -> bool:
        """Whether a function returns, or yields as a context manager, whether it could take a lock."""
        if not function.may_call(*_TAKING) or (function.is_generator and not is_context_manager(function)):
            return False
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        taking = [
            step
            for step in flow.steps
            if any(self._takes_at_once(module, calls[number]) for number in step.calls)
        ]
        names = {name for step in taking if step.kind == "assign" for name in step.stores}
        return any(
            (step in taking or not names.isdisjoint(step.loads))
            for step in flow.steps
            if step.yields or (step.kind == "return" and not function.is_generator)
        )

    def _takes_at_once(self, module: Module, call: Call) -> bool:
        """Whether a call takes a lock that is free, waits for none, and leaves it to nobody when it dies."""
        if f".{call.leaf()}" not in _TAKING or not _is_at_once(call):
            return False
        return not self.project.resolve(module, call.chain).name.startswith(_OF_THE_PROCESS)


def _is_told_to_expire(sending: Sending) -> bool:
    given = sending.call.keyword("expires")
    return sending.has_options and bool(given) and not given.is_none


def _is_at_once(call: Call) -> bool:
    """Whether a call takes a lock that is free, and waits for none."""
    leaf = call.leaf()
    if leaf == "acquire":
        return call.argument(0, "blocking").is_false
    return leaf == "setnx" or (leaf == "add" and "cache" in call.chain) or call.keyword("nx").is_true


def _asks(step: Step) -> bool:
    """Whether a test is true for what has begun already."""
    if step.value == "&" or step.value[:2] == "=!":
        return any(_WAITING.search(word) for word in step.chains)
    return any(_BEGUN.search(word) for word in step.chains if word[:1] != "!")


def _leaves(flow: Flow, step: Step) -> bool:
    return any(inner.kind == "return" for inner in flow.below(step))
