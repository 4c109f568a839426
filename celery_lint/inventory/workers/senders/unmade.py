"""Tasks that no process ever makes: they stand in a function or a method that nothing calls."""

from __future__ import annotations

from typing import Literal

from celery_lint.files.filter import Pair
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.senders.uncalled import UncalledSenders
from celery_lint.model.facts import Place
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once


class Unmade:
    """The tasks of the product that are made where nothing comes by, as far as all files say."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.uncalled = known.of(UncalledSenders)

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
            and self.uncalled.holds(Place(task.module.path, task.function.span), makes_tasks=True)
        )

    def words(self) -> set[Pair]:
        """What other files must hold to call what makes these tasks."""
        functions = [(task.module.path, task.function) for task in self.tasks.product]
        places = [Place(path, each.span) for path, each in functions if each is not None and each.parent]
        return self.uncalled.words(places, makes_tasks=True) if places else set()
