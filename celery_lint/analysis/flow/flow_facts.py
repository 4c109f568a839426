"""The facts about what becomes of a task's exceptions and results, together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from celery_lint.analysis.flow.results import Results
from celery_lint.analysis.flow.swallowing import Swallowing
from celery_lint.analysis.limits.soft_limits import SoftLimits
from celery_lint.analysis.resources.session_facts import SessionFacts
from celery_lint.inventory.code.bodies import Bodies
from celery_lint.inventory.code.handlers import Outcomes
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.in_force import EffectiveOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pools


class FlowFacts:
    """What the rules about exceptions, results and soft time limits ask for."""

    def __init__(
        self,
        sessions: SessionFacts,
        retries: Retries,
        effective: EffectiveOptions,
        pools: Pools,
        queues: Callable[[Iterable[Task]], set[str] | None],
    ) -> None:
        event_loops = sessions.sessions.event_loops
        self.bodies = Bodies(event_loops.tasks, event_loops, sessions.sessions.flows)
        self.outcomes = Outcomes(event_loops.project, self.bodies)
        self.swallowing = Swallowing(self.outcomes, retries)
        self.results = Results(self.outcomes, sessions.sessions, sessions.disposals)
        self.soft_limits = SoftLimits(self.outcomes, effective, pools, queues)

    def finders(self) -> Iterator[tuple[str, Callable[[], Iterable[Any]]]]:
        """The kinds of facts and how to find them."""
        yield "statements that end a finally", lambda: self.outcomes.exits_in_finally
        yield "swallowed retries", lambda: self.swallowing.signals
        yield "repeated retries", lambda: self.swallowing.repeated
        yield "handlers around tasks", lambda: self.swallowing.wide
        yield "blanket handlers", lambda: self.swallowing.blankets
        yield "exceptions logged twice", lambda: self.swallowing.logged_twice
        yield "unbound results", lambda: self.results.unbound
        yield "early returns", lambda: self.results.early_returns
        yield "lone disposals", lambda: self.results.lone_disposals
        yield "unhandled sessions", lambda: self.results.unhandled_sessions
        yield "swallowed soft limits", lambda: self.soft_limits.swallowed
        yield "handlers of soft limits", lambda: self.soft_limits.dead
