"""Tasks that ask again and again whether another is done."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.results.ignored import IgnoredResults
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.tasks.results import Result, Results
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.running import Workers
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

_ASKING = ".ready"
_READY = f"{_ASKING}()"
# In these pools others run while one sleeps.
_GREEN = ("gevent", "eventlet")
_HOLDING = ("prefork", "solo", "threads")
# What the body of such a loop may do without an end to it: anything else may give up.
_SLEEPS = frozenset({"time.sleep"})
_TELLING = frozenset({"debug", "info", "warning", "error", "print", "update_state", "refresh_from_db"})
_LEAVING = frozenset({"break", "return", "raise", "with", "try"})


class PolledResult(NamedTuple):
    """A loop in a task that ends when another task has ended, and never else."""

    place: Place
    site: Site
    result: Result


class PolledResults:
    """The loops that wait for results without an end of their own."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.ignored = known.of(IgnoredResults)
        self.results = known.of(Results)
        self.sites = known.of(Sites)
        self.unsent = known.of(Unsent)
        self.pools = known.of(Pools)
        self.workers = known.of(Workers)

    @facts
    def all(self) -> list[PolledResult]:
        """All that run in a task."""
        return list(self._all())

    def _all(self) -> Iterator[PolledResult]:
        asking = self.project.functions.calling(self.project.modules.values(), _ASKING)
        if not any(_may_poll(function) for _, function in asking):
            return  # sites are dear, and this is asked before everything is read
        for site in self.sites.all:
            if not _may_poll(site.function):
                continue
            flow = self.sites.flow(site)
            found = [
                (step, result)
                for step in flow.steps
                if step.kind == "while" and (result := self._asked(site, step)) is not None
                if self._goes_on(site, flow, step)
            ]
            if found and self._holds(site) and not all(map(self.unsent.is_unsent, site.tasks)):
                for step, result in found:
                    yield PolledResult(site.module.place(step.span), site, result)

    def _asked(self, site: Site, step: Step) -> Result | None:
        """The result that a loop waits for, if that is all that it asks."""
        if not step.asks_in_the_negative or not step.asks_for.endswith(_READY):
            return None
        chain = step.asks_for.removesuffix(_READY)
        found = self.results.of(site.module, site.function, chain)
        if found is None or found.is_eager:
            return None
        # One that nobody keeps is never ready: that is another bug.
        return None if self.ignored.option(site.module, site.function, chain, found) else found

    def _goes_on(self, site: Site, flow: Flow, loop: Step) -> bool:
        """Whether nothing in a loop can end it: no counter is compared, nothing unknown is called."""
        return not any(
            step.kind in _LEAVING or (step.value[-2:] == "()" and self._may_end(site, step.value[:-2]))
            for step in flow.below(loop)
        )

    def _may_end(self, site: Site, chain: str) -> bool:
        """Whether a call may raise an exception on purpose."""
        told = leaf_of_chain(chain) in _TELLING
        return not told and self.project.resolve(site.module, chain).name not in _SLEEPS

    def _holds(self, site: Site) -> bool:
        """Whether the pool that runs the task may be one that does nothing else meanwhile."""
        known = self.pools.of(site.tasks).known
        if known:
            return self.workers.running(_HOLDING, site.tasks) is not None
        return self.workers.running(_GREEN, site.tasks) is None


def _may_poll(function: Function) -> bool:
    """Whether a function may ask a result in a loop."""
    return not function.is_async and function.has("while") and function.may_call(_ASKING)
