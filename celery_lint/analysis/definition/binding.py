"""Whether a task gets itself as its first argument, and whether its function has a place for that."""

from __future__ import annotations

from celery_lint.inventory.tasks.canvas.missing_bind import MissingBind
from celery_lint.inventory.tasks.sendings import Sending
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class Misbound(NamedTuple):
    """A task whose function does not fit ``bind``. ``sent`` is a call that fails, if one is known."""

    task: Task
    place: Place
    sent: Sending | None


class Binding:
    """The tasks of module level whose first parameter and ``bind`` contradict each other."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.missing = known.of(MissingBind)
        self.signatures = known.of(Signatures)

    @facts
    def without_self(self) -> list[Misbound]:
        """Bound tasks whose function takes no positional argument at all."""
        return [
            Misbound(task, task.place, self._sent(task))
            for task in self.tasks.product
            if (function := self.missing.plain(task)) is not None
            and not any(given.kind in ("positional", "*") for given in function.parameters)
            and self.signatures.binds(task)
            and self.signatures.is_plain(task)
        ]

    @facts
    def without_bind(self) -> list[Misbound]:
        """Tasks whose first parameter is ``self`` and that nobody fills."""
        return [
            Misbound(task, task.place, self._sent(task))
            for task in self.tasks.product
            if self.missing.is_in(task)
        ]

    def _sent(self, task: Task) -> Sending | None:
        """A call of the product that sends the task."""
        return next((sending for sending in self.missing.sendings_of(task) if sending.sends), None)
