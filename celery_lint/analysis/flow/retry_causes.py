"""What calls of ``retry`` tell about the reason: nothing, or something that nobody can raise."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.retries.calls import EXCEEDED, RetryCall, RetryCalls
from celery_lint.inventory.retries.counting import Counting
from celery_lint.inventory.retries.policies import Retries
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts

_TEXT_MAKERS = frozenset({"builtins.repr", "builtins.str", "traceback.format_exc"})
# What a step's value looks like that is a text, a number, a list or a dictionary.
_DISPLAYS = ("'", "#'", "[", "{", "(")
# Who retries that often waits for something to happen: the retry is the task's purpose, not its failure.
_POLLING = 100
_WAITED_FOR = ("Lock", "NotReady", "NotFinished", "InProgress", "Pending")


class LostCause(NamedTuple):
    """A retry in a handler that does not tell what was caught."""

    place: Place


class UnraisableCause(NamedTuple):
    """What a retry is given in place of an exception."""

    place: Place


class RetryCauses:
    """The exceptions that retries are given, and those that they are not."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.retry_calls = known.of(RetryCalls)
        self.retries = known.of(Retries)
        self.counting = known.of(Counting)

    # ------------------------------------------------------------------ CEL422

    @facts
    def lost(self) -> list[LostCause]:
        """The retries in handlers after which the caught exception is gone."""
        return [
            LostCause(retry.place)
            for retry in self.retry_calls.all
            if not retry.value.items and retry.sets("exc") is False and self._is_lost(retry)
        ]

    def _is_lost(self, retry: RetryCall) -> bool:
        flow = self.functions.of(retry.module, retry.function)
        if retry.step is None or retry.is_handled(self.functions, EXCEEDED):
            return False
        handler = next((outer for outer in flow.ancestors(retry.step) if outer.kind == "handler"), None)
        if handler is None or self.counting.decides(retry.module, retry.function):
            return False
        return not self._polls(retry, handler)

    def _polls(self, retry: RetryCall, handler: Step) -> bool:
        """Whether a retry is how a task waits: it has no last attempt, or nobody asks how it failed."""
        leaves = [leaf_of_chain(chain) for chain in handler.chains]
        if leaves and all(any(word in leaf for word in _WAITED_FOR) for leaf in leaves):
            return True
        return bool(retry.tasks) and all(self._is_patient(retry, task.key) for task in retry.tasks)

    def _is_patient(self, retry: RetryCall, task: Key) -> bool:
        policy = self.retries.by_task.get(task)
        given = retry.given("max_retries")
        option = policy.options.get("max_retries") if policy is not None else None
        known = self.project.constant(retry.module, given) if given is not None else None
        if known is None or known.data is None:
            known = self.retries.constant(option)
        if known is None or known.kind != "constant":
            return False
        endless = known.data is None and option is not None
        return endless or (isinstance(known.data, (int, float)) and known.data >= _POLLING)

    # ------------------------------------------------------------------ CEL441

    @facts
    def unraisable(self) -> list[UnraisableCause]:
        """The values that are no exceptions, where Celery is to raise them after the last attempt."""
        found = []
        for retry in self.retry_calls.all:
            given = retry.given("exc")
            if given is None or self.counting.decides(retry.module, retry.function):
                continue
            if self._is_no_exception(retry.module, retry.function, given):
                found.append(UnraisableCause(retry.module.place(given.span)))
        return found

    def _is_no_exception(self, module: Module, function: Function, value: Value) -> bool:
        """Whether a value is certainly something else than an exception, and counts as true."""
        if value.kind in ("constant", "text"):
            return value.kind == "text" or bool(value.data)
        if value.kind in ("sequence", "mapping"):
            return bool(value.items)
        if value.kind == "arithmetic":  # `"no order " + pk`
            first = value.items[0]
            return first.kind == "text" or (first.kind == "constant" and isinstance(first.data, str))
        if value.kind not in ("call", "name"):
            return False
        if value.chain[:1] == "%":
            bound = list(self._bound(module, function, value.chain))
            return value.chain.endswith(".status_code") or (bool(bound) and all(bound))
        if self.project.resolve(module, value.chain.removesuffix("()")).name in _TEXT_MAKERS:
            return True
        known = self.project.constant(module, value)
        return value.chain.endswith(".status_code") or (known is not None and bool(known.data))

    def _bound(self, module: Module, function: Function, chain: str) -> Iterator[bool]:
        """Of each statement that binds a local name, whether it binds a text, a number or a display."""
        name = chain.removeprefix("%")
        parameters = {parameter.name for parameter in function.parameters}
        if chain[:1] != "%" or "." in name or name in parameters:
            return
        for step in self.functions.of(module, function).steps:
            if name in step.stores:
                number = step.value[:1] == "#" and step.value[1:2].isdigit() and step.value != "#0"
                shown = step.value.startswith(_DISPLAYS) and len(step.stores) == 1
                yield step.kind == "assign" and (number or shown)
