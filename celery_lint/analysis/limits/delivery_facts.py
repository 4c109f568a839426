"""The facts about limits, acknowledgement and delivery, together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from celery_lint.analysis.limits.acknowledgement import Acknowledgement
from celery_lint.analysis.limits.delays import Sendings
from celery_lint.analysis.limits.limit_gaps import LimitGaps
from celery_lint.analysis.limits.side_effects import SideEffects
from celery_lint.inventory.application.broker import DeliverySettings
from celery_lint.inventory.code.runs import EventLoops
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pools
from celery_lint.project.functions import Flows


class DeliveryFacts:
    """What the rules about limits, acknowledgement and delivery ask for."""

    def __init__(
        self,
        event_loops: EventLoops,
        flows: Flows,
        retries: Retries,
        pools: Pools,
        queues: Callable[[Iterable[Task]], set[str] | None],
    ) -> None:
        self.acknowledgement = Acknowledgement(DeliverySettings(retries.effective), event_loops, flows)
        self.sendings = Sendings(self.acknowledgement, retries.effective, retries)
        self.limit_gaps = LimitGaps(self.acknowledgement, pools, queues)
        self.side_effects = SideEffects(self.acknowledgement, retries, pools)

    def explore(self) -> None:
        """Follow the chains that settings and options lead to, and nothing more."""
        delivery = self.acknowledgement.delivery
        _ = delivery.broker, self.acknowledgement.lost_worker_options, self.acknowledgement.failure_options
        _ = self.sendings.long_runs

    def finders(self) -> Iterator[tuple[str, Callable[[], Iterable[Any]]]]:
        """The kinds of facts and how to find them."""
        yield "lone limits", lambda: self.limit_gaps.lone
        yield "ignored limits", lambda: self.limit_gaps.ignored
        yield "long delays", lambda: self.sendings.delays
        yield "messages that expire", lambda: self.sendings.expiries
        yield "long runs", lambda: self.sendings.long_runs
        yield "rejections", lambda: self.acknowledgement.rejections
        yield "options about lost workers", lambda: self.acknowledgement.lost_worker_options
        yield "options about failures", lambda: self.acknowledgement.failure_options
        yield "prefetched messages", lambda: self.acknowledgement.prefetches
        yield "repeated effects", lambda: self.side_effects.effects
        yield "long sleeps", lambda: self.side_effects.sleeps
        yield "terminations", lambda: self.side_effects.terminations
