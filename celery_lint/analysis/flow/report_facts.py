"""The facts about what tasks report, to Celery and to the scheduler that tracks them, together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from celery_lint.analysis.flow.raised_errors import RaisedErrors
from celery_lint.analysis.flow.task_state import TaskState
from celery_lint.analysis.flow.tracking import Tracking
from celery_lint.inventory.code.bodies import Bodies
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.registries import Bridges


class ReportFacts:
    """What the rules about states, exceptions on their way to the caller and tracking ask for."""

    def __init__(self, bodies: Bodies, retries: Retries, bridges: Bridges) -> None:
        self.errors = RaisedErrors(bodies, retries)
        self.state = TaskState(retries)
        self.tracking = Tracking(bridges, retries)

    def finders(self) -> Iterator[tuple[str, Callable[[], Iterable[Any]]]]:
        """The kinds of facts and how to find them."""
        yield "exceptions that cannot be made again", lambda: self.errors.unrebuildable
        yield "states set by hand", lambda: self.state.calls
        yield "states of every item", lambda: self.state.unthrottled
        yield "replaced tasks", lambda: self.state.replacements
        yield "unused tracking", lambda: self.tracking.unused
        yield "one-sided tracking", lambda: self.tracking.one_sided
        yield "untracked tasks", lambda: self.tracking.untracked
        yield "silent fallbacks", lambda: self.tracking.silent_fallbacks
