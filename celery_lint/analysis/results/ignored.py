"""Results of tasks that keep none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.results import WORDS, Result, Results
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_WAITING = frozenset({"get", "wait"})
_ASKING = frozenset({"ready", "successful", "failed"})

Outcome = Literal["none", "never", "false"]


class IgnoredRead(NamedTuple):
    """A question to the result of a task whose option says that nobody keeps it.

    ``outcome``: the call gives ``none``, it ``never`` comes back, or its answer is always ``false``.
    """

    place: Place
    task: Task
    method: str
    outcome: Outcome
    option: Place


class IgnoredResults:
    """The results that nobody stores, and who asks for them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.results = known.of(Results)
        self.task_options = known.of(TaskOptions)

    @facts
    def reads(self) -> list[IgnoredRead]:
        """All of the product."""
        words = tuple(f".{word}" for word in (*_WAITING, *_ASKING))
        return [
            fact
            for module, function in self.project.holding(*WORDS)
            if function.may_call(*words)
            for call in self.functions.calls(module, function)
            if call.leaf() in _WAITING or call.leaf() in _ASKING
            for fact in self._read(module, function, call)
        ]

    def _read(self, module: Module, function: Function, call: Call) -> Iterator[IgnoredRead]:
        chain = call.chain.rpartition(".")[0]
        result = self.results.of(module, function, chain)
        option = self.option(module, function, chain, result)
        if call.is_awaited or result is None or result.task is None or option is None:
            return
        outcome: Outcome = "false"
        if call.leaf() in _WAITING:
            outcome = "never" if result.is_asked_for else "none"
            if outcome == "never" and call.is_open_ended | bool(call.argument(0, "timeout")):
                return  # that ends with an exception which somebody may expect
        yield IgnoredRead(module.place(call.span), result.task, call.leaf(), outcome, option)

    def option(self, module: Module, function: Function, chain: str, result: Result | None) -> Place | None:
        """Where the option of the task stands that says so, unless the message may say something else."""
        if result is None or result.task is None or result.is_eager or result.several:
            return None
        given = self.task_options.get(result.task, "ignore_result")
        if given is None or given[1].kind != "constant" or given[1].data is not True:
            return None
        made = chain.removesuffix("()")
        sending = [call for call in self.functions.calls(module, function) if call.chain == made]
        if any(call.keyword("ignore_result") or call.is_open_ended for call in sending):
            return None
        return given[0].place(given[1].span)
