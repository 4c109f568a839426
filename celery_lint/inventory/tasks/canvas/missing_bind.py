"""Tasks whose first parameter is the task itself, and that nobody binds."""

from __future__ import annotations

from celery_lint.inventory.tasks.canvas.handings import Handings
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.sendings import Given, Sending, Sendings
from celery_lint.inventory.tasks.signatures import Signatures, mismatch
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Function
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

_ITSELF = "self"


class MissingBind:
    """Which tasks lack ``bind=True``: each call of them fails for that, whatever it gives."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.makers = known.of(Makers)
        self.sendings = known.of(Sendings)
        self.handings = known.of(Handings)
        self.signatures = known.of(Signatures)

    def plain(self, task: Task) -> Function | None:
        """The function of a task that Celery's own decorator makes, with nothing between them."""
        function = task.function
        if function is None or task.class_ is not None or task.wrapper is not None or task.inner_decorators:
            return None
        if function.owner or function.is_nested() or task.qualname != function.qualname:
            return None
        configured = any(self.makers.is_only_configured(task.module, each) for each in function.decorators)
        return None if configured else function

    def is_in(self, task: Task) -> bool:
        """Whether the first parameter of a task is ``self``, and nobody fills it."""
        return task.key in self._lacking

    def explains(self, task: Task, given: Given, partial: bool = False) -> bool:
        """Whether arguments that do not fit a task would, if it were bound: one edit mends both."""
        signature = self.signatures.of(task) if self.is_in(task) else None
        if signature is None:
            return False
        bound = signature._replace(
            positional=signature.positional[1:],
            required=tuple([name for name in signature.required if name != _ITSELF]),
        )
        return mismatch(bound, given, partial=partial) is None

    def sendings_of(self, task: Task) -> list[Sending]:
        """What sends a task or makes a signature of it."""
        return self.sendings.by_task.get(task.key, [])

    @once
    def _lacking(self) -> frozenset[Key]:
        return frozenset(task.key for task in self.tasks.all if self._lacks(task))

    @once
    def _handed(self) -> dict[Key, list[Sending]]:
        """The signatures that get the result of the task before them, by task."""
        found: dict[Key, list[Sending]] = {}
        for handing in self.handings.all:
            after = handing.after
            if after.how == "s" and after.task is not None:
                found.setdefault(after.task.key, []).append(after)
        return found

    def _lacks(self, task: Task) -> bool:
        function = self.plain(task)
        return (
            function is not None
            and function.first() == _ITSELF
            and function.parameters[0].required
            and self.signatures.binds(task) is False
            and not self.signatures.doubt(task)
            and not self._is_filled(task)
        )

    def _is_filled(self, task: Task) -> bool:
        """Whether some caller gives ``self`` on purpose, as one argument among the others.

        Or with a result: what runs after another task gets its result first.
        """
        signature = self.signatures.of(task)
        if signature is None:
            return True
        sent = [sending for sending in self.sendings_of(task) if sending.sends]
        handed = self._handed.get(task.key, [])
        return any(
            (given := sending.given) is not None
            and mismatch(signature, given, partial=not sending.sends) is None
            for sending in (*sent, *handed)
        )
