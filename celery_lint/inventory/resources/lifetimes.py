"""Whether what a module keeps is made in a worker at all, and whether the next task finds it still there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.loops import signal_handlers
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.resources.resources import Resource
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key, is_decorated
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

# Through so many calls a function is followed that makes something anew.
_DEPTH = 3
_PROPERTIES = frozenset({"property", "cached_property"})
_SIGNALS = "celery.signals."


class Lifetimes:
    """When the objects that modules keep come and go."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.runs = known.of(Runs)

    # ------------------------------------------------------------------ forgotten

    def is_forgotten(self, resource: Resource, running: Iterable[tuple[Module, Function]]) -> bool:
        """Whether one of the functions that run binds what keeps a resource to ``None``.

        In a clause for exceptions it does so only where something fails.
        """
        forgetting = {
            (module.path, function.qualname)
            for module, value in self._bound(resource.key)
            if value.kind == "constant"
            and value.data is None
            and (function := self.functions.around(module, value)) is not None
            and not _is_handled(function, value)
        }
        return bool(forgetting) and any((m.path, f.qualname) in forgetting for m, f in running)

    def _bound(self, key: Key) -> Iterator[tuple[Module, Value]]:
        """What a name of a module, or an attribute of what it keeps, is bound to."""
        path, name = key
        module = self.project.modules.get(path)
        if module is None:
            return
        for value in module.bindings.get(name, ()):
            yield module, value
        holder, _, attribute = name.rpartition(".")
        for each in module.assignments if holder else ():
            if each.key == attribute and not each.subscript and each.target == f":{holder}":
                yield module, each.value

    # ------------------------------------------------------------------ made anew

    def is_made_anew(
        self, resource: Resource, coroutines: Iterable[tuple[Module, Function]], tasks: Iterable[Task]
    ) -> bool:
        """Whether each run makes what keeps a resource anew, whatever the last one has left there.

        ``init_engine()``, which binds it by ``global`` without a condition: the coroutines call it, or all
        tasks do before they run them.
        """
        making: set[Key] = set()
        for module, value in resource.made or self._bound(resource.key):
            maker = self.functions.around(module, value)
            if value.kind != "constant" and maker is not None and maker.name and not maker.decorators:
                flow = self.functions.of(module, maker)
                steps = [step for step in flow.steps if step.span == value.span or _binds(step, value)]
                if steps and all(_is_certain(flow, step) for step in steps):
                    making.add((module.path, maker.qualname))
        if not making:
            return False
        if all(self._comes_to(*each, making, _DEPTH) for each in coroutines):
            return True
        starts = [(task.module, task.function) for task in tasks if task.function is not None]
        return bool(starts) and all(self._comes_to(*each, making, _DEPTH) for each in starts)

    def _comes_to(self, module: Module, function: Function, keys: set[Key], depth: int) -> bool:
        """Whether a function certainly calls one of these, by itself or by others."""
        if (module.path, function.qualname) in keys:
            return True
        flow = self.functions.of(module, function)
        for call in self.functions.calls(module, function) if depth else ():
            step = flow.step_of(call)
            if step is None or not call.is_unconditional or not _is_certain(flow, step):
                continue
            target = self.graph.target(module, call.chain)
            is_run = target is not None and target[1].is_async == call.is_awaited
            if is_run and target is not None and self._comes_to(*target, keys, depth - 1):
                return True
        return False

    # ------------------------------------------------------------------ made

    def is_made(self, resource: Resource) -> bool:
        """Whether something that runs in a worker makes a resource, as far as anybody can see.

        What only the start of a web application makes is ``None`` in a worker.
        """
        known: set[Key] = set()
        for module, value in resource.made or self._bound(resource.key):
            if value.kind != "constant":
                maker = self.functions.around(module, value)
                if maker is None or is_decorated(maker, _PROPERTIES):
                    return True  # at import, or whenever somebody reads it
                known.add((module.path, maker.qualname))
        return (
            not known
            or not known.isdisjoint(self._running)
            or any(
                not known.isdisjoint(self._imported(path))
                for path in {resource.key[0], *(path for path, _ in known)}
            )
        )

    @once
    @asking("hint")
    def _running(self) -> set[Key]:
        """The functions that tasks, their coroutines and the handlers of a worker's signals run."""
        found = set(self.graph.deeply_reached) | set(self.runs.task_coroutines)
        for module in self.project.product_modules():
            for handler in signal_handlers(self.project, module, _SIGNALS):
                found.update((home.path, inner.qualname) for home, inner in self.graph.deep_closure(*handler))
        return found

    def _imported(self, path: str) -> set[Key]:
        """The functions that run when a module is imported."""
        module = self.project.modules.get(path)
        own = module.functions.get("") if module is not None else None
        if module is None or own is None:
            return set()
        return {(home.path, inner.qualname) for home, inner in self.graph.deep_closure(module, own)}


def _binds(step: Step, value: Value) -> bool:
    return step.kind == "assign" and step.span.line <= value.span.line <= step.span.end_line


def _is_certain(flow: Flow, step: Step) -> bool:
    """Whether a function comes to a statement whenever it is called, unless something raises."""
    current = step
    for outer in flow.ancestors(step):
        if outer.kind != "with" and (outer.kind != "try" or current.role != "body"):
            return False
        current = outer
    return not any(before.kind == "return" for before in flow.steps[: step.number])


def _is_handled(function: Function, value: Value) -> bool:
    """Whether a value stands in a clause for exceptions."""
    flow = Flow(function)
    return any(
        outer.kind == "handler"
        for step in flow.steps
        if step.kind == "assign" and step.span.line <= value.span.line <= step.span.end_line
        for outer in flow.ancestors(step)
    )
