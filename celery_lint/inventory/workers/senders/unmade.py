"""Tasks that no process ever makes: they stand in a function or a method that nothing calls."""

from __future__ import annotations

from typing import Literal

from celery_lint.files.filter import Pair
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.senders.said import Said
from celery_lint.inventory.workers.senders.uncalled import UncalledSenders
from celery_lint.model.facts import Function, Module, Place
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

# What makes a task of an application that is a parameter: one that says so, or nobody knows it.
_OF_A_GIVEN_ONE = "celery.Celery().task"


class Unmade:
    """The tasks of the product that are made where nothing comes by, as far as all files say."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.uncalled = known.of(UncalledSenders)
        self.said = known.of(Said)

    def why(self, task: Task) -> Literal["unmade"] | None:
        """Whether a task is one of them, in the word that says why it never runs."""
        return "unmade" if task.key in self.keys else None

    @once
    @asking("quiet")
    def keys(self) -> frozenset[Key]:
        """Those of them of which that is certain: nobody says the name of what would make them."""
        return frozenset(
            task.key
            for task in self.tasks.product
            if task.function is not None
            and task.function.parent
            and (
                self.uncalled.holds(Place(task.module.path, task.function.span), makes_tasks=True)
                or self._is_offered_in_vain(task.module, task.function)
            )
        )

    def _is_offered_in_vain(self, module: Module, function: Function) -> bool:
        """Whether a function that makes tasks of an application it is given is named by ``__all__`` at most.

        Whatever its name is: frameworks call no function so that want an application of Celery.
        """
        around = function
        while around.parent and around.parent in module.functions:
            around = module.functions[around.parent]
        made = any(each.chain.removesuffix("()") == _OF_A_GIVEN_ONE for each in function.decorators)
        if not made or not around.parameters or around.owner or around.parent or around.decorators:
            return False
        own = [(module.path, around.span.line, around.end_line)]
        for value in module.bindings.get("__all__", ()):
            own.append((module.path, value.span.line, value.span.end_line))
        return self.uncalled.shown.is_deployed and not self.said.anywhere(module, around.name, own)

    def words(self) -> set[Pair]:
        """What other files must hold to call what makes these tasks."""
        functions = [(task.module.path, task.function) for task in self.tasks.product]
        places = [Place(path, each.span) for path, each in functions if each is not None and each.parent]
        return self.uncalled.words(places, makes_tasks=True) if places else set()
