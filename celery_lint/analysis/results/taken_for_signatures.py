"""Results of tasks that are taken for signatures: what sending gives, and what a call of a task returns."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.results import Results
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import SENDING
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

# Methods of tasks and signatures that no class of results has.
_METHODS = SENDING | {
    "clone",
    "freeze",
    "link",
    "link_error",
    "on_error",
    "retry",
    "s",
    "set",
    "si",
    "update_state",
}
_MADE = (".delay().", ".apply_async().")
# What a function returns that has none of these methods.
_PLAIN = frozenset({"constant", "mapping", "sequence"})


class TakenForSignature(NamedTuple):
    """A call of a method that results do not have. ``sent``: what has sent the task, ``made`` where."""

    place: Place
    method: str
    sent: str
    made: Place


class CalledAndSent(NamedTuple):
    """A method of signatures on what a task returns that is called as a function: `pay(1).delay()`."""

    place: Place
    method: str
    task: str


class TakenForSignatures:
    """The calls of methods of signatures on what `delay` gives, and on what tasks return."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.results = known.of(Results)
        self.signatures = known.of(Signatures)
        self.tasks = known.of(Tasks)
        self.task_options = known.of(TaskOptions)

    @facts
    def called(self) -> list[CalledAndSent]:
        """Those of tasks whose functions certainly return nothing that has such a method."""
        words = [f".{method}" for method in sorted(_METHODS)]
        return [
            fact
            for module, function in self.project.calling(*words)
            for fact in self._called(module, function)
        ]

    def _called(self, module: Module, function: Function) -> Iterator[CalledAndSent]:
        calls = self.functions.calls(module, function)
        for call in calls:
            receiver, _, method = call.chain.rpartition(".")
            if method not in _METHODS or not receiver.endswith("()") or call.in_try:
                continue
            name = receiver.removesuffix("()")
            task = self.tasks.of(self.project.resolve(module, name))
            if task is None or not any(other.chain == name for other in calls):
                continue  # an annotation says so, and nothing is called
            if self._returns_plain(task):
                yield CalledAndSent(module.place(call.span), method, task.label)

    def _returns_plain(self, task: Task) -> bool:
        """Whether a call of a task is that of its function, and gives a plain value."""
        function = task.function
        if function is None or task.class_ is not None or task.wrapper is not None or task.inner_decorators:
            return False
        if self.task_options.has_own_call(task) or not self.task_options.bases_known(task):
            return False
        if function.is_async or function.is_generator:
            return True
        return all(value.kind in _PLAIN or value.is_text() for value in function.returns)

    @facts
    def all(self) -> list[TakenForSignature]:
        """Those of tasks whose classes can be seen."""
        return [
            fact
            for module, function in self.project.holding(*_MADE)
            for fact in self._taken(module, function)
        ]

    def _taken(self, module: Module, function: Function) -> Iterator[TakenForSignature]:
        calls = self.functions.calls(module, function)
        for call in calls:
            receiver, _, method = call.chain.rpartition(".")
            if method not in _METHODS or not receiver.endswith("()"):
                continue
            sent = receiver.removesuffix("()").rpartition(".")[2]
            result = self.results.of(module, function, receiver) if sent in SENDING else None
            if result is None or result.several or result.task is None:
                continue
            if self.signatures.is_plain(result.task) and not self.signatures.overridden(result.task):
                made = [other for other in calls if other.chain == receiver.removesuffix("()")]
                here = [other for other in made if other.span.start == call.span.start]
                for first in (here or made)[:1]:
                    yield TakenForSignature(module.place(call.span), method, sent, module.place(first.span))
