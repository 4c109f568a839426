"""Pools that are empty whenever a task begins, since something that runs around every task sees to that."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.loops import handlers_of
from celery_lint.inventory.resources.rebound import Rebound
from celery_lint.inventory.resources.resources import Resources
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Module
from celery_lint.project.asking import asking
from celery_lint.project.entity import UNKNOWN, Entity, Key
from celery_lint.project.known import Known, once

# In each process that runs tasks, before the first of them.
_AT_THE_START = "celery.signals.worker_process_init"
#: Before and after each of them.
AROUND_TASKS = ("celery.signals.task_prerun", "celery.signals.task_postrun")
# Methods of a task's class that run before or after each run of it, whatever becomes of that; and a pair of
# which one does.
_HOOKS = ("before_start", "__call__", "after_return")
_OUTCOMES = ("on_success", "on_failure")


class Emptied:
    """The engines and clients of which a task finds no connection of another task."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.resources = known.of(Resources)
        self.rebound = known.of(Rebound)
        self._of_tasks: dict[Key, set[Key]] = {}

    def before(self, tasks: Iterable[Task]) -> set[Key]:
        """What is given back, forgotten or made anew before or after each run of each of these tasks.

        And what a process has put aside when it began, for one that keeps no connection.
        """
        found = [self._around(task) for task in tasks]
        return set.intersection(*found) if found else set(self._always)

    def within(self, module: Module, function: Function) -> set[Key]:
        """What a function itself releases, binds anew, or gives another pool."""
        return (
            self.resources.released_in(module, function, self.functions.calls)
            | self.resources.renewed_in(module, function, self.functions.calls)
            | self.replaced(module, function)
        )

    def replaced(self, module: Module, function: Function) -> set[Key]:
        """The engines whose pool a function replaces: ``engine.sync_engine.pool = other``."""
        found: set[Key] = set()
        for item in module.assignments:
            if item.key == "pool" and not item.subscript and item.function == function.qualname:
                engine = self.resources.bound.engine_around(module, f"{item.target}.pool")
                if engine is not None and engine.origin is not None:
                    found.add(engine.origin)
        return found

    def _around(self, task: Task) -> set[Key]:
        found = self._of_tasks.get(task.key)
        if found is None:
            found = self._of_tasks[task.key] = set(self._always)
            for key, emptied in self._for_one:
                if key == task.key:
                    found |= emptied
            found |= self._by_hooks(task)
        return found

    @once
    @asking("hint")
    def _always(self) -> set[Key]:
        found: set[Key] = set()
        for module in self.project.product_modules():
            for handler in handlers_of(self.project, module, _AT_THE_START):
                for home, inner in self.graph.here(handler.module, handler.function):
                    found |= self.rebound.within(home, inner)
        return found.union(*(emptied for key, emptied in self._handled if key is None))

    @once
    def handling(self) -> set[Key]:
        """The functions that handlers around tasks are, or call there and then."""
        return {
            (home.path, inner.qualname)
            for module in self.project.product_modules()
            for signal in AROUND_TASKS
            for handler in handlers_of(self.project, module, signal)
            for home, inner in self.graph.here(handler.module, handler.function)
        }

    @once
    def _for_one(self) -> list[tuple[Key, set[Key]]]:
        return [(key, emptied) for key, emptied in self._handled if key is not None]

    @once
    @asking("hint")
    def _handled(self) -> list[tuple[Key | None, set[Key]]]:
        """What handlers around tasks empty; and the task, where they are connected for one alone."""
        found = []
        for module in self.project.product_modules():
            for signal in AROUND_TASKS:
                for handler in handlers_of(self.project, module, signal):
                    emptied = self._here(handler.module, handler.function)
                    if emptied:
                        found.append((self._task(module, handler.sender), emptied))
        return found

    def _task(self, module: Module, sender: str) -> Key | None:
        """The task that a handler is connected for; none for all, or for who knows which."""
        entity = self.project.resolve(module, sender) if sender else UNKNOWN
        return (entity.module.path, entity.name) if entity.module is not None else None

    def _by_hooks(self, task: Task) -> set[Key]:
        """What the class of a task empties."""
        class_ = self.graph.receiver(task)
        if class_ is None:
            return set()
        every = set[Key]().union(*(self._by_hook(class_, name) for name in _HOOKS))
        return every | set.intersection(*(self._by_hook(class_, name) for name in _OUTCOMES))

    def _by_hook(self, class_: Entity, name: str) -> set[Key]:
        hook = self.project.attribute(class_, name)
        function = hook.function()
        return self._here(hook.module, function, class_) if function is not None and hook.module else set()

    def _here(self, module: Module, function: Function, class_: Entity | None = None) -> set[Key]:
        """What a function empties, with what it calls there and then."""
        return set[Key]().union(*(self.within(*inner) for inner in self.graph.here(module, function, class_)))
