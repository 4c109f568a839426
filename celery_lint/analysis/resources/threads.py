"""Threads that tasks start and do not wait for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.code.ways.on_request import OnRequest
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.running import UNFORKED
from celery_lint.libraries.threads import THREAD_SUBMITS, THREADS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Place
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts

#: What says that the task and its thread talk to each other: a heartbeat that is told to stop, a worker.
_TALK = ("threading.Event", "queue.Queue", "queue.SimpleQueue", "threading.Condition", "threading.Semaphore")
_SETTERS = frozenset({"start", "setDaemon", "setName"})


class LooseThread(NamedTuple):
    """A thread, or work for a thread, that a task starts and nobody waits for."""

    site: Site
    place: Place
    name: str
    daemon: bool


class Threads:
    """The threads that tasks start."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.sites = known.of(Sites)
        self.on_request = known.of(OnRequest)
        self.pools = known.of(Pools)

    @facts
    def loose(self) -> list[LooseThread]:
        """The threads that a worker may take with it when its process ends.

        Outside prefork a worker waits for all threads that are no daemons.
        """
        found: list[LooseThread] = []
        for site in self.sites.holding("threading.T", ".submit"):
            if site.function.name == "__init__" or site.function.mentions(*_TALK):
                continue
            found.extend(self._threads(site))
            found.extend(self._submitted(site))
        waits = self.pools.all.only(*UNFORKED)
        return [
            thread
            for thread in found
            if thread.daemon or not (waits or not self.sites.forks(thread.site.tasks))
        ]

    def _threads(self, site: Site) -> Iterator[LooseThread]:
        calls = self.sites.calls(site)
        for call in calls:
            if call.leaf() not in ("Thread", "Timer") or call.in_lambda:
                continue
            name = self.sites.name(site.module, call.chain)
            if name not in THREADS or any(given.leaf == "run_forever" for given in call.takes):
                continue  # a loop for all tasks of the process is meant to outlive each
            step = self.sites.flow(site).step_of(call)
            if step is None or self.on_request.holds(site, step):
                continue
            daemon = self._started(site, call, step, calls)
            if daemon is not None:
                daemon = daemon or call.keyword("daemon").is_true
                coming = self.sites.coming_to(site, step)
                yield LooseThread(coming, site.module.place(call.span), name, daemon)

    def _started(self, site: Site, made: Call, step: Step, calls: list[Call]) -> bool | None:
        """Whether a thread that is started and forgotten is a daemon; ``None`` if it is not forgotten."""
        start = f"{made.chain}().start"
        for call in calls:
            if call.chain == start and call.span.start == made.span.start:
                return False
        if step.kind != "assign" or len(step.stores) != 1:
            return None
        if step.chains != (f"{made.chain}()",):
            return None
        name, started, daemon = step.name, False, False
        for other in self.sites.flow(site).steps:
            if other.kind == "global" and name in other.stores:
                return None
            if name not in other.loads:
                continue
            if other.kind == "assign" and not other.stores and other.chains in (("#True",), ("#False",)):
                daemon = daemon or other.chains == ("#True",)
            elif self._only_starts(other, made, calls):
                started = started or any(calls[number].chain == start for number in other.calls)
            else:
                return None
        return daemon if started else None

    def _only_starts(self, step: Step, made: Call, calls: list[Call]) -> bool:
        mine = [calls[number] for number in step.calls]
        return (
            step.kind == "expr"
            and len(mine) == 1
            and mine[0].chain.startswith(f"{made.chain}().")
            and mine[0].leaf() in _SETTERS
        )

    def _submitted(self, site: Site) -> Iterator[LooseThread]:
        calls = self.sites.calls(site)
        for call in calls:
            if call.leaf() != "submit" or not call.is_statement or call.chain[:1] == "%" or call.in_lambda:
                continue
            entity = self.sites.entity(site.module, call.chain)
            if entity is None or entity.name not in THREAD_SUBMITS:
                continue
            if not self.sites.is_open(site, self.sites.flow(site).step_of(call)):
                continue
            owner = call.chain.removesuffix(".submit")
            if entity.origin is None:
                maker = owner.removesuffix("()")
                kept = [c for c in calls if c.chain == maker and c.is_bound and not c.is_context_manager]
                if not kept or any(c.chain.startswith(f"{owner}.shutdown") for c in calls):
                    continue
            yield LooseThread(site, site.module.place(call.span), "ThreadPoolExecutor.submit", False)
