"""Coroutine runs that fail under gevent and eventlet alone, where nobody can tell whether these are the pool.

All of them have the same reason, and one line of configuration mends them: they are told once a project.
"""

from __future__ import annotations

from celery_lint.inventory.code.loops import SEVERAL_LOOPS
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.resources.uses import Use, Uses
from celery_lint.inventory.workers.running import Doubt, Workers
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class DoubtfulRuns(NamedTuple):
    """The first run of a project whose pool is unknown, why it is, and the places of the others."""

    run: LoopRun
    doubt: Doubt
    others: tuple[Place, ...]


class DoubtfulUse(NamedTuple):
    """The first use of an engine that crosses loops unless the pool is prefork or solo, and the others."""

    run: LoopRun
    use: Use
    doubt: Doubt
    others: tuple[Place, ...]


class UnknownPool:
    """What depends on a pool that nobody can tell."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.runs = known.of(Runs)
        self.uses = known.of(Uses)
        self.workers = known.of(Workers)

    @facts
    def closing(self) -> list[DoubtfulRuns]:
        """The runs on a loop per call that nothing outlives."""
        found: dict[Place, tuple[LoopRun, Doubt]] = {}
        for run in self.runs.all:
            if run.kind != "run" or run.adaptive or self.uses.of(run).outliving:
                continue
            tasks = [reached.task for reached in run.reached]
            doubt = self.workers.unknown(tasks)
            if doubt is not None and self.workers.running(SEVERAL_LOOPS, tasks) is None:
                found.setdefault(run.place, (run, doubt))
        if not found:
            return []
        first, *others = sorted(found)
        return [DoubtfulRuns(*found[first], tuple(others))]

    @facts
    def crossing(self) -> list[DoubtfulUse]:
        """The uses of engines by runs on the loop of the thread."""
        found: dict[Place, tuple[LoopRun, Use, Doubt]] = {}
        for run in self.runs.all:
            if run.kind in ("apart", "kept", "new", "bridge") or (run.kind == "run" and not run.adaptive):
                continue
            tasks = [reached.task for reached in run.reached]
            doubt = self.workers.unknown(tasks)
            if doubt is None or self.workers.running(SEVERAL_LOOPS, tasks) is not None:
                continue
            for use in self.uses.of(run).outliving:
                if use.resource.kind == "engine":
                    found.setdefault(use.place, (run, use, doubt))
        if not found:
            return []
        first, *others = sorted(found)
        return [DoubtfulUse(*found[first], tuple(others))]


def more(others: tuple[Place, ...]) -> str:
    """The number of further places, as messages end with it."""
    return f"; {len(others)} more" if others else ""


def also(doubt: Doubt, others: tuple[Place, ...]) -> tuple[tuple[Place, str], ...]:
    """Further places, and what leaves the pool open, as related places of a message."""
    why = ((doubt.place, "this leaves the pool open"),) if doubt.place is not None else ()
    return (*why, *((place, "the same here") for place in others))
