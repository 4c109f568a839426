"""``delay_on_commit``: whether a task has it, and what is done with what it gives."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.results import only_binding
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.celery import PLAIN_TASKS
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_METHODS = frozenset({"delay_on_commit", "apply_async_on_commit"})
_CONDITIONS = frozenset({"if", "while", "match", "assert"})
# With one of these a class says itself what the methods are.
_OWN = _METHODS | {"__getattr__", "__getattribute__"}


class MissingMethod(NamedTuple):
    """A method that only Django's tasks have, of a task that is none. ``base``: the class that it is."""

    place: Place
    task: Task
    method: str
    base: Place


class UsedNothing(NamedTuple):
    """What is given before the commit, and used as if it were a result."""

    place: Place
    method: str


class AfterCommit:
    """The tasks that are sent once a transaction has committed."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.sendings = known.of(Sendings)
        self.task_options = known.of(TaskOptions)

    def _sendings(self) -> Iterator[Sending]:
        return (s for s in self.sendings.all if s.how in _METHODS and s.through == "task")

    @facts
    def missing(self) -> list[MissingMethod]:
        """The methods that are not there."""
        found = []
        for sending in self._sendings():
            base = self._plain_base(sending.task) if sending.task is not None else None
            if sending.task is not None and base is not None:
                found.append(MissingMethod(sending.place, sending.task, sending.how, base))
        return found

    def _plain_base(self, task: Task) -> Place | None:
        """The class of the project that a task is, if that derives from Celery's own ``Task`` alone."""
        if task.wrapper is not None:
            return None
        own = self.task_options.base_of(task)
        if own is None or own.module is None:
            return None
        class_ = own.class_()
        for base in self.project.bases(own):
            inner = base.class_()
            if inner is None:
                if base.kind != "external" or base.name not in PLAIN_TASKS:
                    return None
            elif not _OWN.isdisjoint((*inner.methods, *inner.attributes)):
                return None
        return own.module.place(class_.span) if class_ is not None else None

    @facts
    def used(self) -> list[UsedNothing]:
        """What is looked for in what it gives."""
        found = []
        for sending in self._sendings():
            if sending.task is None or not (sending.call.is_looked_into or self._is_read(sending)):
                continue
            if self._is_of_celery(sending.task):
                found.append(UsedNothing(sending.place, sending.how))
        return found

    def _is_of_celery(self, task: Task) -> bool:
        """Whether the methods of a task are those that Celery gives it, which return nothing."""
        return (
            task.wrapper is None
            and self.task_options.bases_known(task)
            and all(
                _OWN.isdisjoint((*class_.methods, *class_.attributes))
                for entity in self.task_options.classes(task)
                if (class_ := entity.class_()) is not None
            )
            and self._plain_base(task) is None
        )

    def _is_read(self, sending: Sending) -> bool:
        """Whether a variable holds it, no condition asks for that, and an attribute of it is used."""
        flow = self.sendings.flow(sending)
        step = flow.step_of(sending.call)
        if step is None or step.kind != "assign" or len(step.stores) != 1 or sending.call.in_lambda:
            return False
        name = step.name
        if step.value != f"{sending.call.chain}()" or only_binding(flow, name) is not step:
            return False
        for other in flow.steps:
            if f"!{name}" in other.loads or (other.kind in _CONDITIONS and name in other.loads):
                return False
        below = f"{sending.call.chain}()."
        return any(other.value.startswith(below) for other in flow.steps) or any(
            call.chain.startswith(below) or any(given.chain.startswith(below) for given in call.takes)
            for call in self.sendings.functions.calls(sending.module, sending.function)
        )
