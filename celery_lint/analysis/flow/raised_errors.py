"""The project's own exceptions that leave tasks: what they are made of, and whether that can be done again.

A worker takes an exception apart for the result backend and for its log, and makes it again from its class
and its ``args``. These are the arguments that reach ``BaseException.__init__``, not those of the class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.graph import DEPTH, CallGraph
from celery_lint.inventory.retries.calls import RetryCalls
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Class, Function, Module, Place
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

# Exceptions of Python that keep what they are given as ``args``, whatever it is.
_PLAIN = frozenset(
    f"builtins.{name}"
    for name in (
        "ArithmeticError",
        "AssertionError",
        "AttributeError",
        "Exception",
        "IndexError",
        "KeyError",
        "LookupError",
        "NotImplementedError",
        "RuntimeError",
        "TypeError",
        "ValueError",
    )
)
# Whoever writes one of these says how the exception is made again.
_OWN_WAY = frozenset({"__getnewargs__", "__new__", "__reduce__", "__reduce_ex__", "__setstate__"})
_CALL = "~super().__init__"


class UnrebuildableError(NamedTuple):
    """An exception of the project that cannot be made again from its ``args``.

    ``wants`` and ``gets`` say in words what its ``__init__`` needs and what is kept for it.
    """

    module: Module
    class_: Class
    wants: str
    gets: str
    raised: Place
    task: Task

    @property
    def place(self) -> Place:
        """The name of the class."""
        return self.module.place(self.class_.span)


class RaisedErrors:
    """The exceptions that tasks raise and nothing in them catches."""

    def __init__(self, known: Known) -> None:
        self.bodies = known.of(Bodies)
        self.project = known.project
        self.in_force = known.of(OptionsInForce)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.retry_calls = known.of(RetryCalls)
        self._seen: set[Key] = set()

    @facts
    def unrebuildable(self) -> list[UnrebuildableError]:
        """The classes of exceptions that change on their way out of the worker, each once."""
        found: dict[Key, UnrebuildableError] = {}
        if self.in_force.results_ignored:
            return []
        for module, chain, place, task in [*self._raised(), *self._handed_to_retry()]:
            entity = self._class(module, chain)
            class_ = entity.class_() if entity is not None else None
            if entity is None or class_ is None or entity.module is None:
                continue
            key = (entity.module.path, class_.qualname)
            if key not in found:
                misfit = self._misfit(entity)
                if misfit is not None:
                    found[key] = UnrebuildableError(entity.module, class_, *misfit, place, task)
        return [found[key] for key in sorted(found)]

    def explore(self) -> None:
        """Follow the exceptions to the files that define them, and nothing more."""
        assert self.unrebuildable is not None

    def _raised(self) -> Iterator[tuple[Module, str, Place, Task]]:
        """What tasks raise, and where."""
        for body in self.bodies.all:
            if not body.function.is_generator and not self._is_ignored(body.task):
                for module, step in self._raises(body):
                    if step.chains:
                        yield module, step.value.removesuffix("()"), module.place(step.span), body.task

    def _handed_to_retry(self) -> Iterator[tuple[Module, str, Place, Task]]:
        """What tasks are to raise once they are not retried any more."""
        for retry in self.retry_calls.all:
            value = retry.given("exc")
            task = retry.tasks[0] if retry.tasks else None
            if value is not None and value.kind == "call" and task is not None and not self._is_ignored(task):
                yield retry.module, value.chain, retry.place, task

    def _is_ignored(self, task: Task) -> bool:
        """Whether a task says something about ignoring its result."""
        return bool(self.in_force.options(task, ("ignore_result",)))

    def _class(self, module: Module, chain: str) -> Entity | None:
        """The class of the project that a chain names."""
        if not chain or chain[:1] in "%~?":
            return None
        entity = self.project.resolve(module, chain)
        return entity if entity.kind == "class" else None

    # ------------------------------------------------------------------ what leaves a task

    def _raises(self, body: Body) -> Iterator[tuple[Module, Step]]:
        """The ``raise`` statements whose exceptions leave a task, in it and in what it calls."""
        if body.role == "coroutine":
            start = self.bodies.started_at(body)
            if start is None or _guarded(start[0].flow, start[1]):
                return
        level = [(body.module, body.function)]
        for _ in range(DEPTH):
            following: list[tuple[Module, Function]] = []
            for module, function in level:
                if (module.path, function.qualname) in self._seen:
                    continue
                self._seen.add((module.path, function.qualname))
                flow = self.functions.of(module, function)
                for step in flow.steps:
                    if step.kind == "raise" and not _guarded(flow, step):
                        yield module, step
                following += self._called(module, function, flow)
            level = following

    def _called(self, module: Module, function: Function, flow: Flow) -> Iterator[tuple[Module, Function]]:
        """The functions of the project that a function calls where nothing catches what they raise."""
        for call in self.functions.calls(module, function):
            step = flow.step_of(call)
            if step is None or not call.chain or call.chain[:1] == "%" or _guarded(flow, step):
                continue
            target = self._target(module, call.chain)
            if target is not None and not target[1].is_generator and _runs(target[1], step):
                yield target

    @asking("hint")
    def _target(self, module: Module, chain: str) -> tuple[Module, Function] | None:
        return self.graph.target(module, chain)

    # ------------------------------------------------------------------ what can be made again

    def _misfit(self, entity: Entity) -> tuple[str, str] | None:
        """What an exception's ``__init__`` wants and what is kept for it, if that does not fit."""
        kept = self._kept(entity)
        if kept is None or kept < 0:
            return None
        init = self.project.attribute(entity, "__init__").function()
        if init is None:
            return None
        parameters = [p for p in init.parameters if p.kind in ("positional", "keyword")][1:]
        positional = [p for p in parameters if p.kind == "positional"]
        required = [p for p in positional if p.required]
        by_name = [p.name for p in parameters if p.kind == "keyword" and p.required]
        gets = _counted(kept)
        if by_name:
            return f"`{by_name[0]}` by name", gets
        if kept < len(required):
            return _counted(len(required)), gets
        if kept > len(positional) and not any(p.kind == "*" for p in init.parameters):
            return ("none" if not positional else f"at most {len(positional)}"), gets
        return None

    def _kept(self, entity: Entity) -> int | None:
        """How many arguments an exception keeps; -1 for all that it is made with, ``None``: unknown."""
        return self._kept_along(list(self.project.bases(entity)))

    def _kept_along(self, line: list[Entity]) -> int | None:
        for number, current in enumerate(line, 1):
            class_ = current.class_()
            if class_ is None or current.module is None:
                return -1 if current.kind == "external" and current.name in _PLAIN else None
            if len(class_.bases) != 1 or class_.decorators or "args" in class_.attributes:
                return None
            if not _OWN_WAY.isdisjoint(class_.methods):
                return None
            init = current.module.functions.get(f"{class_.qualname}.__init__")
            if init is None:
                continue
            given = _given_on(init, self.functions.calls(current.module, init))
            if given is None:
                return None
            above = self._kept_along(line[number:])
            return given if above == -1 else above
        return None


def _given_on(init: Function, calls: list[Call]) -> int | None:
    """How many arguments an ``__init__`` hands to ``super().__init__``, if there is one such call."""
    above = [call for call in calls if call.chain == _CALL]
    if len(above) != 1 or above[0].in_handler:
        return None
    steps = list(init.steps())
    step = next((step for step in steps if above[0].number in step.calls), None)
    if step is None or step.parent >= 0 or any(other.kind == "class" for other in steps):
        return None
    given = above[0].takes
    if any(argument.keyword or argument.kind == "starred" for argument in given) or len(given) >= 8:
        return None
    return len(given)


def _counted(number: int) -> str:
    return {0: "none", 1: "one", 2: "two", 3: "three", 4: "four"}.get(number, str(number))


def _guarded(flow: Flow, step: Step) -> bool:
    """Whether a ``try`` around a statement has a handler that may catch what it raises."""
    current = step
    for outer in flow.ancestors(step):
        if outer.kind == "try" and current.role == "body" and flow.body(outer, "handler"):
            return True
        if outer.kind == "with" and any("suppress" in chain for chain in outer.chains):
            return True
        current = outer
    return False


def _runs(function: Function, step: Step) -> bool:
    """Whether calling a function at a statement runs it there: a coroutine function has to be awaited."""
    return not function.is_async or step.waits
