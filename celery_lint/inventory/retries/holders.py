"""Who holds a task: parameters of functions that tasks are handed to."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import DEPTH, CallGraph
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

# These get the task and do nothing to it.
HARMLESS = frozenset({"getattr", "hasattr", "id", "isinstance", "print", "repr", "setattr", "str", "type"})
CALLED = ".retry\t"
_RAISED = "exceptions.Retry()"
Holder = tuple[str, str, str]
"""A parameter that holds a task: path and qualified name of its function, and its own name."""


def spelled(function: Function, name: str) -> str:
    """The chain of a parameter in its function: an annotated one stands for an instance of its class."""
    for parameter in function.parameters:
        if parameter.name == name and parameter.annotation[:1] not in ("", "~", "%"):
            return f"{parameter.annotation}()"
    return f"%{name}"


def may_retry(function: Function) -> bool:
    """Whether a function may retry a task, by a call or by raising ``Retry``."""
    return function.mentions(CALLED) or function.states(_RAISED)


def retries_somewhere(module: Module) -> bool:
    """Whether any function of a module may retry a task."""
    return bool(module.functions.holding(CALLED) or module.functions.stating(_RAISED))


class Holders:
    """The parameters of a project that hold a task."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.in_force = known.of(OptionsInForce)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.layers = known.of(Layers)

    @once
    @asking("hint")
    def held(self) -> tuple[dict[Holder, list[Task]], set[Key]]:
        """The parameters that hold tasks, and the tasks that are handed to somebody out of sight."""
        holders: dict[Holder, list[Task]] = {}
        escaped: set[Key] = set()
        level: dict[Holder, list[Task]] = {}
        for task in self.tasks.product:
            function = task.function
            if function is None or task.class_ is not None or not self.in_force.is_bound(task):
                continue
            if not function.parameters:
                escaped.add(task.key)
                continue
            level[(task.module.path, function.qualname, function.first())] = [task]
            for wrapping in self.layers.around(task):
                first = wrapping.function.parameters[:1]
                if first and first[0].kind == "positional" and wrapping.inner != f"%{first[0].name}":
                    holder = wrapping.module.path, wrapping.function.qualname, first[0].name
                    level.setdefault(holder, []).append(task)
            own = any(decorator.keyword("bind") is not None for decorator in function.decorators)
            if not own or function.states("&self"):
                escaped.add(task.key)
        for _ in range(DEPTH):
            following: dict[Holder, list[Task]] = {}
            for holder, tasks in level.items():
                known = holders.setdefault(holder, [])
                new = [task for task in tasks if task not in known]
                known += new
                for next_holder in self._handed_on(holder) if new else ():
                    if next_holder is None:
                        escaped.update(task.key for task in new)
                    else:
                        following.setdefault(next_holder, []).extend(new)
            level = following
        return holders, escaped

    def _handed_on(self, holder: Holder) -> Iterator[Holder | None]:
        """The parameters that get the task from this one; ``None`` for one that is out of sight."""
        path, qualname, name = holder
        module = self.project.modules.get(path)
        chain = spelled(module.functions[qualname], name) if module is not None else ""
        for function in self.functions.within(module, qualname) if module is not None else ():
            if not function.mentions(chain):
                continue
            for call in self.functions.calls(module, function):
                if call.hands_on(chain) and call.leaf() not in HARMLESS:
                    yield self._parameter(module, call, chain)

    def _parameter(self, module: Module, call: Call, chain: str) -> Holder | None:
        target = self.graph.target(module, call.chain)
        if target is None:
            return None
        inner_module, function = target
        name = function.parameter_given(call, chain)
        if not any(parameter.name == name for parameter in function.parameters):
            return None
        if function.name == "__init__" and retries_somewhere(inner_module):
            return None  # an object that keeps the task
        return inner_module.path, function.qualname, name
