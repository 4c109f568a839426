"""Time limits that tasks get where they are sent: by a call, a schedule or a mapping that is handed on."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.sendings import Sendings, without_signature
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import TIME_LIMITS
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

# What sends a task with options, or makes a signature that has them.
_SENDERS = frozenset({"apply_async", "send_task", "signature", "subtask", "set"})
_PERIODIC = "add_periodic_task"
_SCHEDULE = "beat_schedule"


class SentLimits:
    """The tasks that may get a time limit where they are sent."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)
        self.makers = known.of(Makers)

    def may_be(self, task: Task) -> bool:
        """Whether something that sends the task may give it a limit."""
        return self._sent is None or task.key in self._sent or task.name in self._scheduled

    def longest(self, task: Task, name: str) -> float | None:
        """The longest limit of this name that calls give the task, 0 where none does; ``None``: not known."""
        if self._sent is None or task.name in self._scheduled:
            return None
        longest = 0.0
        for call in self._sent.get(task.key, ()):
            given = call.keyword(name)
            if call.leaf() not in _SENDERS or call.is_open_ended or (given and given.amount is None):
                return None
            longest = max(longest, given.amount or 0)
        return longest

    # ------------------------------------------------------------------ calls

    @once
    def _sent(self) -> dict[Key, list[Call]] | None:
        """The calls that may give each task a limit; ``None`` where nobody can tell which task it is."""
        found: dict[Key, list[Call]] = {}
        for module, function in self.project.holding("time_limit:", *_SENDERS, _PERIODIC):
            written = (module.path, function.qualname) in self._written
            if not written and not function.mentions("time_limit:", "**:"):
                continue
            for call in self.functions.calls(module, function):
                limited = self._limited(module, function, call, written)
                if limited is False:
                    continue
                task = self._task(module, function, call)
                if task is not None:
                    found.setdefault(task.key, []).append(call)
                elif limited:
                    return None
        return found

    @once
    def _written(self) -> set[Key]:
        """The functions that write a limit into a mapping of options that they hand on."""
        found: set[Key] = set()
        for module in self.project.product_modules():
            found.update(
                (module.path, a.function) for a in module.assignments if a.key in TIME_LIMITS and a.function
            )
        for module, function in self.project.holding(".setdefault"):
            for call in self.functions.calls(module, function):
                if call.leaf() == "setdefault" and call.argument(0).text in TIME_LIMITS:
                    found.add((module.path, function.qualname))
        return found

    def _limited(self, module: Module, function: Function, call: Call, written: bool) -> bool | None:
        """Whether a call that sends a task gives it a limit; ``None`` where a mapping may hold one."""
        stated = any(given.keyword in TIME_LIMITS for given in call.takes)
        if call.leaf() not in _SENDERS and call.leaf() != _PERIODIC:
            return stated and self._is_helper(module, call)
        if stated:
            return True
        spread = [given for given in call.takes if given.keyword == "**"]
        if written and spread:
            return True
        if any(self._may_hold(module, function, given) for given in spread):
            return None
        return False

    def _is_helper(self, module: Module, call: Call) -> bool:
        """Whether a function of the project is called that may hand a limit on, and makes no tasks."""
        if call.is_decorator or call.chain[:1] in "%~":
            return False
        entity = self.project.resolve(module, call.chain)
        if entity.function() is None or entity.module is None:
            return False
        return (entity.module.path, entity.name) not in self.makers.wrappers

    def _may_hold(self, module: Module, function: Function, given: Argument) -> bool:
        """Whether what ``**`` unpacks may hold a limit: what nobody can see may."""
        if given.kind == "call":
            made = self.functions.calls(module, function)[given.number]
            value = Value("call", made.span, None, made.chain)
        elif given.kind == "name" and not given.local:
            value = Value("name", function.span, None, given.chain)
        else:
            return given.kind != "mapping" or not set(given.keys).isdisjoint(TIME_LIMITS)
        known = self.project.constant(module, value)
        if known is None or known.kind != "mapping":
            return True
        return any(key in TIME_LIMITS or key in ("**", "?") for key, _ in known.keywords)

    def _task(self, module: Module, function: Function, call: Call) -> Task | None:
        if call.leaf() == _PERIODIC:
            given = call.argument(1, "sig")
            if given.kind != "call":
                return None
            call = self.functions.calls(module, function)[given.number]
        chain = without_signature(call.chain.rpartition(".")[0])
        task = self.tasks.of(self.project.resolve(module, chain)) or self.sendings.named(call)
        if task is None and call.leaf() not in _SENDERS:
            handed = (self.tasks.of(self.project.resolve(module, given.chain)) for given in call.takes)
            return next((task for task in handed if task is not None), None)
        return task

    # ------------------------------------------------------------------ schedules

    @once
    def _scheduled(self) -> set[str]:
        """The names of tasks that an entry of the schedule gives a limit."""
        return {
            name
            for module, entry in self._entries()
            if (name := self.project.text(module, entry.keyword("task"))) and self._is_limited(module, entry)
        }

    def _entries(self) -> Iterator[tuple[Module, Value]]:
        for setting in self.settings.named(_SCHEDULE):
            known = self.project.constant(setting.module, setting.value)
            for _, entry in known.keywords if known is not None and known.kind == "mapping" else ():
                yield setting.module, entry
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.subscript and assignment.target.endswith(_SCHEDULE):
                    yield module, assignment.value

    def _is_limited(self, module: Module, entry: Value) -> bool:
        options = entry.keyword("options")
        known = self.project.constant(module, options)
        if known is None or known.kind != "mapping":
            return options is not None
        return any(key in TIME_LIMITS or key in ("**", "?") for key, _ in known.keywords)
