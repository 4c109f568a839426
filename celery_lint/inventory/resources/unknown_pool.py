"""Coroutine runs that fail under gevent and eventlet alone, where nobody can tell whether these are the pool.

All of them have the same reason, and one line of configuration mends them.
"""

from __future__ import annotations

from celery_lint.inventory.code.loops import SEVERAL_LOOPS
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.resources.uses import Use, Uses
from celery_lint.inventory.workers.running import Doubt, Workers
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class DoubtfulRun(NamedTuple):
    """A run on a loop per call whose pool is unknown, and why it is."""

    run: LoopRun
    doubt: Doubt


class DoubtfulUse(NamedTuple):
    """The use of an engine by a run, which crosses loops unless the pool is prefork or solo."""

    run: LoopRun
    use: Use
    doubt: Doubt


class UnknownPool:
    """What depends on a pool that nobody can tell."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.runs = known.of(Runs)
        self.uses = known.of(Uses)
        self.workers = known.of(Workers)

    @facts
    def closing(self) -> list[DoubtfulRun]:
        """The runs on a loop per call that nothing outlives."""
        return [
            DoubtfulRun(run, doubt)
            for run in self.runs.all
            if run.is_plain
            and not run.adaptive
            and not self.uses.of(run).outliving
            and (doubt := self._doubt(run))
        ]

    @facts
    def crossing(self) -> list[DoubtfulUse]:
        """The uses of engines by runs on the loop of the thread."""
        return [
            DoubtfulUse(run, use, doubt)
            for run in self.runs.all
            if run.kind not in ("apart", "kept", "new", "bridge") and not run.is_plain
            for use in self.uses.of(run).outliving
            if use.resource.kind == "engine" and (doubt := self._doubt(run))
        ]

    def _doubt(self, run: LoopRun) -> Doubt | None:
        tasks = [reached.task for reached in run.reached]
        return self.workers.unknown(tasks) if self.workers.running(SEVERAL_LOOPS, tasks) is None else None


def leaving_open(doubt: Doubt) -> tuple[tuple[Place, str], ...]:
    """What leaves the pool open, as a related place of a message."""
    return ((doubt.place, "this leaves the pool open"),) if doubt.place is not None else ()
