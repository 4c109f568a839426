"""Whether a task gets itself as its first argument, and whether its function has a place for that."""

from __future__ import annotations

from celery_lint.inventory.tasks.canvas.handings import Handings
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.signatures import Signatures, mismatch
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Function, Place
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
        self.makers = known.of(Makers)
        self.sendings = known.of(Sendings)
        self.handings = known.of(Handings)
        self.signatures = known.of(Signatures)

    @facts
    def without_self(self) -> list[Misbound]:
        """Bound tasks whose function takes no positional argument at all."""
        return [
            Misbound(task, task.place, self._sent(task))
            for task in self.tasks.product
            if (function := self._plain(task)) is not None
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
            if (function := self._plain(task)) is not None
            and function.first() == "self"
            and function.parameters[0].required
            and self.signatures.binds(task) is False
            and not self.signatures.doubt(task)
            and not self._is_filled(task)
        ]

    def _plain(self, task: Task) -> Function | None:
        """The function of a task that Celery's own decorator makes, with nothing between them."""
        function = task.function
        if function is None or task.class_ is not None or task.wrapper is not None or task.inner_decorators:
            return None
        if function.owner or function.is_nested() or task.qualname != function.qualname:
            return None
        configured = any(self.makers.is_only_configured(task.module, each) for each in function.decorators)
        return None if configured else function

    def _sent(self, task: Task) -> Sending | None:
        """A call of the product that sends the task."""
        return next((sending for sending in self._sendings(task) if sending.sends), None)

    def _sendings(self, task: Task) -> list[Sending]:
        return [s for s in self.sendings.all if s.task is not None and s.task.key == task.key]

    def _is_filled(self, task: Task) -> bool:
        """Whether some caller gives ``self`` on purpose, as one argument among the others.

        Or with a result: what runs after another task gets its result first.
        """
        signature = self.signatures.of(task)
        if signature is None:
            return True
        sent = [sending for sending in self._sendings(task) if sending.sends]
        after = [each.after for each in self.handings.all if each.after.how == "s"]
        handed = [sending for sending in after if sending.task is not None and sending.task.key == task.key]
        return any(
            (given := sending.given) is not None
            and mismatch(signature, given, partial=not sending.sends) is None
            for sending in (*sent, *handed)
        )
