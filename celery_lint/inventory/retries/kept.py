"""Tasks that keep for themselves all that ``autoretry_for`` waits for, so that no retry is automatic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import LEAVING, is_log
from celery_lint.inventory.retries.policies import Retries, RetryPolicy
from celery_lint.inventory.tasks.layers import Layers, Wrapping
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.libraries.exceptions import catches, raises_its_own, raises_nothing
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_ALL = "builtins.BaseException"
_ORDINARY = "builtins.Exception"
#: These are no kinds of ``Exception``.
_EXTRAORDINARY = frozenset({"builtins.KeyboardInterrupt", "builtins.SystemExit"})
#: So many calls away from a task it is still asked what a call may raise.
_DEPTH = 3
_PARTS = ("body", "else", "case")


class _Place(NamedTuple):
    """A function that is looked through. ``inner``: the call in it that raises nothing, if that is known."""

    module: Module
    function: Function
    flow: Flow
    inner: str
    depth: int


class Kept:
    """What becomes of the exceptions that automatic retries wait for."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.retries = known.of(Retries)
        self.layers = known.of(Layers)
        self.graph = known.of(CallGraph)
        self.task_options = known.of(TaskOptions)
        self._kept: dict[Key, bool] = {}

    def is_never_automatic(self, policy: RetryPolicy) -> bool:
        """Whether nothing that ``autoretry_for`` waits for can leave the body of a task.

        It stands in a ``try`` that catches it and does not raise again; what stands around that ``try``, in
        the handlers, and in the decorators of the task, raises something else, or nothing.
        """
        key = policy.task.key
        if key not in self._kept:
            names = self._waited_for(policy)
            self._kept[key] = bool(names) and self._keeps(policy, names)
        return self._kept[key]

    def _waited_for(self, policy: RetryPolicy) -> frozenset[str]:
        """The exceptions of ``autoretry_for``; none where one of them is not known."""
        option = policy.options.get("autoretry_for")
        if option is None:
            return frozenset()
        module, value = option
        if value.kind == "name":
            entity = self.retries.entity(module, value)
            value, module = entity.value or value, entity.module or module
        if value.kind != "sequence":
            return frozenset()
        names = frozenset(self.retries.entity(module, item).name for item in value.items)
        return names if all(names) else frozenset()

    def _keeps(self, policy: RetryPolicy, names: frozenset[str]) -> bool:
        task = policy.task
        if task.function is None or task.class_ is not None or task.wrapper is not None:
            return False
        if self.task_options.has_own_call(task) or not all(self.layers.of(task)):
            return False
        body = self.functions.of(task.module, task.function)
        caught = {
            each for step in body.steps if step.kind == "handler" for each in self._caught(task.module, step)
        }
        if not all(any(_catches(each, name) for each in caught) for name in names):
            return False  # nobody has seen to it
        around: list[tuple[Module, Function, str]] = [(task.module, task.function, "")]
        around += [self._of(wrapping) for wrapping in self.layers.around(task)]
        return not any(
            self._lets_out(
                _Place(module, function, self.functions.of(module, function), inner, _DEPTH), names
            )
            for module, function, inner in around
        )

    def _of(self, wrapping: Wrapping) -> tuple[Module, Function, str]:
        return wrapping.module, wrapping.function, wrapping.inner

    # ------------------------------------------------------------------ statements

    def _lets_out(self, place: _Place, names: frozenset[str]) -> bool:
        """Whether a function may raise one of these exceptions."""
        return self._leaves(place, place.flow.body(), names)

    def _leaves(self, place: _Place, steps: Sequence[Step], names: frozenset[str]) -> bool:
        return bool(names) and any(self._leaves_one(place, step, names) for step in steps)

    def _leaves_one(self, place: _Place, step: Step, names: frozenset[str]) -> bool:
        if step.kind in ("def", "class") or is_log(step):
            return False
        if step.kind == "raise" and self._raises(place, step, names):
            return True
        calls = self.functions.calls(place.module, place.function)
        if any(self._may_raise(place, calls[number], names) for number in step.calls):
            return True
        if step.kind == "try":
            return self._leaves_try(place, step, names)
        return any(self._leaves(place, place.flow.body(step, part), names) for part in _PARTS)

    def _leaves_try(self, place: _Place, step: Step, names: frozenset[str]) -> bool:
        flow = place.flow
        left = names
        for handler in flow.body(step, "handler"):
            caught = frozenset(self._caught(place.module, handler))
            left = frozenset(name for name in left if not any(_catches(each, name) for each in caught))
            if self._leaves(place, flow.body(handler), names):
                return True
        return (
            self._leaves(place, flow.body(step), left)
            or self._leaves(place, flow.body(step, "else"), names)
            or self._leaves(place, flow.body(step, "finally"), names)
        )

    def _caught(self, module: Module, handler: Step) -> Iterator[str]:
        if not handler.chains:
            yield _ALL
        for chain in handler.chains:
            yield self.project.resolve(module, chain).name

    def _raises(self, place: _Place, step: Step, names: frozenset[str]) -> bool:
        """Whether a ``raise`` may be of one of these exceptions."""
        entity = self.project.resolve(place.module, step.value.removesuffix("()"))
        if not names.isdisjoint((_ALL, _ORDINARY)) or entity.kind != "external" or not entity.name:
            return True
        return any(_catches(name, entity.name) for name in names)

    # ------------------------------------------------------------------ calls

    def _may_raise(self, place: _Place, call: Call, names: frozenset[str]) -> bool:
        """Whether a call may raise one of these exceptions; also where nobody can tell."""
        if place.inner and call.chain == place.inner:
            return False
        if call.leaf() in LEAVING:
            return True
        broad = not names.isdisjoint((_ALL, _ORDINARY))
        target = self.graph.target(place.module, call.chain)
        if target is not None:
            module, function = target
            if function.is_async and not call.is_awaited:
                return False  # it makes a coroutine
            if not place.depth or (module.path == place.module.path and function is place.function):
                return True
            inner = _Place(module, function, self.functions.of(module, function), "", place.depth - 1)
            return self._lets_out(inner, names)
        entity = self.project.resolve(place.module, call.chain)
        name = entity.name if entity.kind == "external" else ""
        if raises_nothing(call.chain if call.chain[:1] == "~" else name, leaf_of_chain(call.chain)):
            return False
        return broad or not name or not all(raises_its_own(name, each) for each in names)


def _catches(caught: str, raised: str) -> bool:
    """Whether a handler for one exception certainly gets the other."""
    if caught == _ORDINARY:
        return raised != _ALL and raised not in _EXTRAORDINARY
    return caught == _ALL or (bool(caught) and catches(caught, raised))
