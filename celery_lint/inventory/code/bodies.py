"""What runs as part of a task: its function, the methods of its class, the coroutines that it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from celery_lint.inventory.code.graph import LAYERS, CallGraph
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.sent import Sent
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

BodyRole = Literal["task", "method", "wrapper", "coroutine", "callee"]


class Body(NamedTuple):
    """A function whose statements are those of a task.

    ``role``: ``task``, ``method``, ``wrapper`` for what a decorator puts around it, ``coroutine``, or
    ``callee`` for a function that tasks call.
    """

    module: Module
    function: Function
    flow: Flow
    task: Task
    role: BodyRole

    @property
    def key(self) -> Key:
        """Path and qualified name."""
        return self.module.path, self.function.qualname

    def place(self, step: Step) -> Place:
        """Where one of its statements stands."""
        return self.module.place(step.span)

    def related(self) -> tuple[tuple[Place, str], ...]:
        """The task, where that is another function."""
        if self.role == "task":
            return ()
        verb = {"callee": "is called by", "wrapper": "stands around"}.get(self.role, "runs for")
        return ((self.task.place, f"{verb} task `{self.task.label}`"),)


class Bodies:
    """The bodies of all tasks of the product."""

    def __init__(self, known: Known) -> None:
        self.unsent = known.of(Unsent)
        self.sent = known.of(Sent)
        self.runs = known.of(Runs)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.project = known.project

    @once
    @asking("hint")
    def by_key(self) -> dict[Key, Body]:
        """The bodies by path and qualified name; one that several tasks share belongs to the first."""
        found: dict[Key, Body] = {}
        for body in self._find():
            if body.flow.steps:
                found.setdefault((body.module.path, body.function.qualname), body)
        return found

    @once
    def all(self) -> list[Body]:
        """The bodies, in the order of the source."""
        return [self.by_key[key] for key in sorted(self.by_key)]

    @once
    def callees(self) -> list[tuple[Body, list[Task]]]:
        """The other functions with a ``try`` that tasks and their coroutines call, each with the tasks."""
        tasks: dict[Key, list[Task]] = {}
        for key, reached in self.graph.reached.items():
            tasks[key] = [way.task for way in reached if way.is_called]
        for key, more in self.runs.task_coroutines.items():
            tasks.setdefault(key, []).extend(more)
        found = []
        for (path, qualname), known in sorted(tasks.items(), key=lambda item: item[0]):
            module = self.project.modules.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is None or function is None or not known or (path, qualname) in self.by_key:
                continue
            if function.has("try") and is_product_path(path):
                found.append((self._body(module, function, known[0], "callee"), known))
        return found

    def has_a_run(self, body: Body) -> bool:
        """Whether its task has runs whose outcome is kept: it is not only called as a function."""
        return not self.sent.is_called_instead(body.task)

    def _find(self) -> Iterator[Body]:
        product = self.unsent.running
        for task in product:
            if task.function is not None and task.class_ is None:
                yield self._body(task.module, task.function, task, "task")
                yield from self._nested(task)
            for wrapping in self.graph.layers.around(task):
                if not wrapping.function.is_async and is_product_path(wrapping.module.path):
                    yield self._body(wrapping.module, wrapping.function, task, "wrapper")
        for (path, qualname), reached in self.graph.reached.items():
            module = self.project.modules.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is None or function is None:
                continue
            for way in reached:
                if way.task.class_ is None:
                    continue
                if way.through is None:
                    yield self._body(module, function, way.task, "task")
                elif function.owner == way.task.qualname and module is way.task.module:
                    yield self._body(module, function, way.task, "method")
        for run in self.runs.all:
            tasks = list({way.task.key: way.task for way in run.reached}.values())
            for module, function in run.coroutines:
                owner = self._owner(module, function, tasks)
                if owner is not None and function.is_async and is_product_path(module.path):
                    yield self._body(module, function, owner, "coroutine")

    def _body(self, module: Module, function: Function, task: Task, role: BodyRole) -> Body:
        return Body(module, function, self.functions.of(module, function), task, role)

    def _nested(self, task: Task) -> Iterator[Body]:
        """The coroutine functions that a task defines in itself and calls."""
        module, outer = task.module, task.function
        if outer is None or not outer.mentions(f":{outer.qualname}/"):
            return
        for call in self.functions.calls(module, outer):
            if call.chain.startswith(f":{outer.qualname}/"):
                function = module.functions.get(call.chain[1:])
                if function is not None and function.is_async:
                    yield self._body(module, function, task, "coroutine")

    def _owner(self, module: Module, function: Function, tasks: list[Task]) -> Task | None:
        """The one of several tasks behind a run whose coroutine this is."""
        key = (module.path, function.qualname)
        if len(tasks) == 1:
            return tasks[0]
        for task in tasks:
            if task.function is None:
                continue
            if key in {(m.path, f.qualname) for m, f in self.graph.closure_of(task, LAYERS)}:
                return task
        return None

    def started_at(self, body: Body) -> tuple[Body, Step] | None:
        """The statement of the task's own function that makes the coroutine of a body, to run it."""
        if body.role != "coroutine":
            return None
        return self.called_at(body.function, body.task)

    def outwards(self, body: Body) -> Iterator[tuple[Body, Step]]:
        """The statements that an exception of a body passes on its way to the worker.

        First that of the task's own function which calls the body, then those of what stands around the task.
        """
        start = self.called_at(body.function, body.task)
        if start is not None:
            yield start
        inside = body.function is body.task.function or start is not None
        for wrapping in reversed(self.graph.layers.around(body.task)) if inside else ():
            outer = self.by_key.get(wrapping.key)
            calls = self.functions.calls(wrapping.module, wrapping.function)
            inner = next((call for call in calls if call.chain == wrapping.inner), None)
            step = outer.flow.step_of(inner) if outer is not None and inner is not None else None
            if outer is not None and step is not None:
                yield outer, step

    def called_at(self, function: Function, task: Task) -> tuple[Body, Step] | None:
        """The statement of a task's own function that calls another function."""
        if task.function is None or task.function is function:
            return None
        outer = self.by_key.get((task.module.path, task.function.qualname))
        if outer is None:
            return None
        for call in self.functions.calls(outer.module, outer.function):
            if self._is_of(outer.module, call, function):
                step = outer.flow.step_of(call)
                if step is not None:
                    return outer, step
        return None

    @asking("hint")
    def _is_of(self, module: Module, call: Call, function: Function) -> bool:
        """Whether a call is of a function, or hands it on by name."""
        named = [call.chain, *(given.chain for given in call.takes if given.chain)]
        for chain in named:
            if chain.rpartition(".")[2].rpartition("/")[2].lstrip(":") == function.name:
                target = self.graph.target(module, chain)
                if target is not None and target[1] is function:
                    return True
        return False
