"""Plain functions that are sent as if they were tasks."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import SENDING
from celery_lint.libraries.views import KEEPING_FUNCTIONS, VIEW_DECORATORS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

_METHODS = SENDING | {"delay_on_commit", "apply_async_on_commit", "s", "si", "signature", "subtask"}
# What asks first whether it is a task.
_ASKING = frozenset({"hasattr", "getattr", "isinstance"})
# Where the name stands in a `def` and an `async def` that are in no `if` or `try`.
_TOP = (len("def ") + 1, len("async def ") + 1)
_CATCHING = frozenset({"AttributeError"})


class PlainFunction(NamedTuple):
    """A method of tasks that is called on a function. ``hides``: its name is that of an imported task.

    ``is_async``: it is an ``async def``, of which a decorator alone makes no task that works. ``sends``: it
    sends a task itself, which is what whoever calls it wants.
    """

    place: Place
    name: str
    method: str
    function: Place
    hides: bool
    is_async: bool
    sends: bool


class PlainFunctions:
    """The functions that nothing makes a task."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)

    @facts
    def sent(self) -> list[PlainFunction]:
        """The calls of tasks' methods on functions."""
        words = [f".{method}" for method in sorted(_METHODS)]
        return [
            fact for module, function in self.project.calling(*words) for fact in self._sent(module, function)
        ]

    def _sent(self, module: Module, function: Function) -> Iterator[PlainFunction]:
        for call in self.functions.calls(module, function):
            receiver, _, method = call.chain.rpartition(".")
            if method not in _METHODS or receiver[-1:] in ("", ")", "]") or receiver[:1] == "%":
                continue
            entity = self.project.resolve(module, receiver)
            if entity.kind != "function" or self.tasks.of(entity) is not None or entity.module is None:
                continue
            plain = entity.function()
            if plain is None or not self._stays_plain(entity.module, plain):
                continue
            hides = plain.name in entity.module.imports
            if hides and not (plain is function or self._is_view(entity.module, plain)):
                continue  # it may stand in for what is imported below it
            if not self._is_asked(module, function, call, plain.name):
                place = entity.module.place(plain.span)
                is_task = hides and self._hides_task(entity)
                sends = self._sends(entity.module, plain)
                yield PlainFunction(
                    module.place(call.span), plain.name, method, place, is_task, plain.is_async, sends
                )

    def _sends(self, module: Module, function: Function) -> bool:
        """Whether a function sends a task."""
        return function.may_call(*SENDING) and any(
            call.leaf() in SENDING
            and self.tasks.of(self.project.resolve(module, call.chain.rpartition(".")[0])) is not None
            for call in self.functions.calls(module, function)
        )

    def _stays_plain(self, module: Module, function: Function) -> bool:
        """Whether its name certainly means the function, and nothing gives that attributes."""
        name = function.qualname
        if function.owner or function.is_nested() or function.span.column != _TOP[function.is_async]:
            return False
        if name in module.bindings or module.functions.again(name):
            return False
        if self._is_changed(module.path, name):
            return False
        for decorator in function.decorators:
            entity = self.project.resolve(module, decorator.chain)
            if entity.kind != "external" or not entity.name.startswith(KEEPING_FUNCTIONS):
                return False
        return True

    @once
    def _set(self) -> dict[str, list[tuple[Module, str]]]:
        """What sets attributes, by their names: in which module, and of what."""
        found: dict[str, list[tuple[Module, str]]] = {}
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if not assignment.subscript:
                    found.setdefault(assignment.key, []).append((module, assignment.target))
        return found

    def _is_changed(self, path: str, name: str) -> bool:
        """Whether something gives the function a method, ``pay.delay = pay``, or its module another one."""
        function = Entity("function", name, self.project.modules[path])
        given = [one for method in sorted(_METHODS) for one in self._set.get(method, ())]
        if any(self.project.resolve(*one)[:3] == function[:3] for one in given):
            return True
        homes = [self.project.resolve(*one) for one in self._set.get(name, ())]
        return any(home.kind == "module" and home.name == path for home in homes)

    def _is_view(self, module: Module, function: Function) -> bool:
        names = [self.project.resolve(module, decorator.chain).name for decorator in function.decorators]
        return any(name.startswith(VIEW_DECORATORS) for name in names)

    def _hides_task(self, entity: Entity) -> bool:
        module = entity.module
        imported = module.imports.get(entity.name) if module is not None else None
        if module is None or imported is None:
            return False
        return self.tasks.of(self.project.resolve(module, imported)) is not None

    def _is_asked(self, module: Module, function: Function, call: Call, name: str) -> bool:
        """Whether something asks first, or is ready for the error."""
        flow = self.functions.of(module, function)
        step = flow.step_of(call)
        if step is None:
            return bool(function.name)
        around = (step, *flow.ancestors(step))
        if any(not _ASKING.isdisjoint(outer.loads) for outer in around):
            return True
        return any(
            self._is_ready(flow, handler, name)
            for attempt in flow.attempts(step)
            for handler in flow.body(attempt, "handler")
        )

    def _is_ready(self, flow: Flow, handler: Step, name: str) -> bool:
        if any(chain.rpartition(".")[2].lstrip("~") in _CATCHING for chain in handler.chains):
            return True
        return any(name in below.loads for below in flow.below(handler))
