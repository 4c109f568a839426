"""The project's own exceptions that leave tasks: what they are made of, and whether that can be done again.

A worker takes an exception apart for the result backend and for its log, and makes it again from its class
and its ``args``. These are the arguments that reach ``BaseException.__init__``, not those of the class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.graph import DEPTH, CallGraph
from celery_lint.inventory.code.handlers import is_log
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.retries.calls import RetryCalls
from celery_lint.inventory.retries.counting import Counting
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Class, Function, Module, Place
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts
from celery_lint.project.memory import Remembered

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


class _Leaving(NamedTuple):
    """An exception that leaves a task, by the chain of its class; ``made`` is the call that makes it.

    ``function`` and ``step`` are where it is raised, if that is a statement.
    """

    module: Module
    chain: str
    place: Place
    task: Task
    made: Call | None
    function: Function | None = None
    step: Step | None = None


class RaisedErrors:
    """The exceptions that tasks raise and nothing in them catches."""

    def __init__(self, known: Known) -> None:
        self.bodies = known.of(Bodies)
        self.project = known.project
        self.in_force = known.of(OptionsInForce)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.retry_calls = known.of(RetryCalls)
        self.counting = known.of(Counting)
        self.sites = known.of(Sites)
        self.backend_settings = known.of(BackendSettings)
        self._seen: set[Key] = set()
        self._leaving = Remembered(self._leaving_it)

    @facts
    def unrebuildable(self) -> list[UnrebuildableError]:
        """The classes of exceptions that change on their way out of the worker, each once."""
        found: dict[Key, UnrebuildableError] = {}
        if self.backend_settings.backend.kind == "none":
            return []  # nobody asks for the result, and the log says what was raised in its text
        for leaving in [*self._raised(), *self._handed_to_retry()]:
            if self.in_force.results_ignored(leaving.task):
                continue
            entity = self._class(leaving.module, leaving.chain)
            class_ = entity.class_() if entity is not None else None
            if entity is None or class_ is None or entity.module is None:
                continue
            key = (entity.module.path, class_.qualname)
            if key not in found and (leaving.made is not None or self._is_raised(class_)):
                misfit = self._misfit(entity, leaving.made)
                if misfit is not None and self._is_open(leaving):
                    found[key] = UnrebuildableError(
                        entity.module, class_, *misfit, leaving.place, leaving.task
                    )
        return [found[key] for key in sorted(found)]

    def explore(self) -> None:
        """Follow the exceptions to the files that define them, and nothing more."""
        assert self.unrebuildable is not None

    def _is_open(self, leaving: _Leaving) -> bool:
        """Whether tasks come to the statement with what they give the functions on the way."""
        if leaving.function is None or leaving.step is None or not leaving.function.has("if"):
            return True
        assert self.sites.all is not None
        site = Site(leaving.module, leaving.function, (leaving.task,))
        return self.sites.is_open(site, leaving.step)

    def _raised(self) -> Iterator[_Leaving]:
        """What tasks raise, and where, and what they catch by its name and raise again."""
        for body in self.bodies.all:
            if body.function.is_generator or self._is_ignored(body.task):
                continue
            for module, function, step in self._raises(body):
                if step.kind == "handler":
                    for chain in step.chains:
                        yield _Leaving(
                            module, chain, module.place(step.span), body.task, None, function, step
                        )
                elif step.chains:
                    chain = step.value.removesuffix("()")
                    calls = self.functions.calls(module, function)
                    made = next((calls[n] for n in step.calls if calls[n].chain == chain), None)
                    yield _Leaving(module, chain, module.place(step.span), body.task, made, function, step)

    def _handed_to_retry(self) -> Iterator[_Leaving]:
        """What tasks are to raise once they are not retried any more."""
        for retry in self.retry_calls.all:
            value = retry.given("exc")
            task = retry.tasks[0] if retry.tasks else None
            if value is None or task is None or self._is_ignored(task):
                continue
            if self.counting.decides(retry.module, retry.function):
                continue  # the last round ends in another way, so only the log sees what retry is given
            if value.kind == "call":
                made = next(
                    (c for c in self.functions.calls(retry.module, retry.function) if c.span == value.span),
                    None,
                )
                yield _Leaving(retry.module, value.chain, retry.place, task, made)
            handler = retry.catcher(self.functions, value)
            for chain in handler.chains if handler is not None else ():
                yield _Leaving(retry.module, chain, retry.place, task, None)

    def _is_ignored(self, task: Task) -> bool:
        """Whether a task says something about ignoring its result."""
        return bool(self.in_force.options(task, ("ignore_result",)))

    def _is_raised(self, class_: Class) -> bool:
        """Whether the product makes an exception of this very class anywhere."""
        return any(self.project.stating(f"{class_.name}()"))

    def _class(self, module: Module, chain: str) -> Entity | None:
        """The class of the project that a chain names."""
        if not chain or chain[:1] in "%~?":
            return None
        entity = self.project.resolve(module, chain)
        return entity if entity.kind == "class" else None

    # ------------------------------------------------------------------ what leaves a task

    def _raises(self, body: Body) -> Iterator[tuple[Module, Function, Step]]:
        """The ``raise`` statements whose exceptions leave a task, in it and in what it calls.

        With them the handlers that name what they raise again.
        """
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
                steps, called = self._leaving.of((module.path, function.qualname), module, function)
                for step in steps:
                    yield module, function, step
                following += called
            level = following

    def _leaving_it(
        self, module: Module, function: Function
    ) -> tuple[list[Step], list[tuple[Module, Function]]]:
        """The statements whose exceptions leave a function, and the functions whose exceptions do."""
        flow = self.functions.of(module, function)
        steps = [
            step
            for step in flow.steps
            if (step.kind == "raise" or (step.kind == "handler" and _lets_go_on(flow, step)))
            and not _guarded(flow, step)
        ]
        return steps, list(self._called(module, function, flow))

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

    def _misfit(self, entity: Entity, made: Call | None) -> tuple[str, str] | None:
        """What an exception's ``__init__`` wants and what is kept for it, if that does not fit.

        ``made`` is the call that makes it: of what ``*args`` takes, only that tells the number.
        """
        kept = self._kept(entity)
        if kept is None or kept < 0:
            return None
        init = self.project.attribute(entity, "__init__").function()
        if init is None:
            return None
        parameters = [p for p in init.parameters if p.kind in ("positional", "keyword")][1:]
        positional = [p for p in parameters if p.kind == "positional"]
        given = made.positional if made is not None and not made.is_open_ended else None
        if _hands_all_on(init) and (given is None or len(given) > len(positional)):
            return None
        required = [p for p in positional if p.required]
        by_name = [p.name for p in parameters if p.kind == "keyword" and p.required]
        gets = _counted(kept)
        if by_name:
            return f"`{by_name[0]}` by name", gets
        if kept < len(required):
            return _arguments(len(required)), gets
        if kept > len(positional) and not any(p.kind == "*" for p in init.parameters):
            return (f"at most {_arguments(len(positional))}" if positional else "no argument"), gets
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
            if given is None or (number > 1 and _hands_all_on(init)):
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
    given = list(above[0].takes)
    if _hands_all_on(init):
        given = [each for each in given if each.kind != "starred" and each.keyword != "**"]
    if any(argument.keyword or argument.kind == "starred" for argument in given) or len(given) >= 8:
        return None
    return len(given)


def _hands_all_on(init: Function) -> bool:
    """Whether an ``__init__`` hands ``*args`` of its own to the one above it: what no parameter has taken."""
    above = [call for call in init.calls() if call.chain == _CALL]
    if len(above) != 1 or sum(given.kind == "starred" for given in above[0].takes) != 1:
        return False
    return any(parameter.kind == "*" for parameter in init.parameters)


def _arguments(number: int) -> str:
    return "one argument" if number == 1 else f"{_counted(number)} arguments"


def _counted(number: int) -> str:
    return {0: "none", 1: "one", 2: "two", 3: "three", 4: "four"}.get(number, str(number))


def _guarded(flow: Flow, step: Step) -> bool:
    """Whether a ``try`` around a statement has a handler that may catch what it raises."""
    current = step
    for outer in flow.ancestors(step):
        tried = outer.kind == "try" and current.role == "body"
        if tried and not all(_lets_go_on(flow, handler) for handler in flow.body(outer, "handler")):
            return True
        if outer.kind == "with" and any("suppress" in chain for chain in outer.chains):
            return True
        current = outer
    return False


def _lets_go_on(flow: Flow, handler: Step) -> bool:
    """Whether a handler writes a line to the log, at most, and raises again what it has caught."""
    *before, last = flow.body(handler)
    return (
        last.kind == "raise"
        and last.value in ("", f"%{handler.name}")
        and all(is_log(step) for step in before)
    )


def _runs(function: Function, step: Step) -> bool:
    """Whether calling a function at a statement runs it there: a coroutine function has to be awaited."""
    return not function.is_async or step.waits
