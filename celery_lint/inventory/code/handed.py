"""What tasks hand to pools of threads and wait for: it runs beside them, and they end after it."""

from __future__ import annotations

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.libraries.threads import THREAD_EXECUTORS, THREAD_MAPS, THREAD_SUBMITS
from celery_lint.model.calls import Call
from celery_lint.model.purpose import is_product_path
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

# Calls that run a function which they are given, each value of an iterable or once.
_HANDING = ("map", "imap", "imap_unordered", "starmap", "submit", "to_thread", "run_sync", "run_in_executor")
_AWAITED = frozenset({"asyncio.to_thread", "anyio.to_thread.run_sync"})
# Where one of these is called, somebody asks what has become of what was submitted.
_ASKING = ("result", "as_completed", "wait", "gather")


class Handed:
    """The functions that run in threads which a task waits for.

    A time limit that a task answers does not reach them, and neither does an exception: rules about those
    ask :class:`Sites`, which has only what runs in the task's own thread.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.sites = known.of(Sites)

    @once
    def all(self) -> list[Site]:
        """These functions and what they call, without those that tasks call themselves."""
        known = {site.key for site in self.sites.all}
        found: dict[Key, Site] = {}
        for site in self.sites.calling(*_HANDING):
            for callee in self.graph.callees(site.module, site.function):
                if callee.is_called or not self._is_waited_for(site, callee.call):
                    continue
                for module, function in self.graph.here(callee.module, callee.function):
                    key = (module.path, function.qualname)
                    if key not in known and is_product_path(module.path) and not function.is_async:
                        found.setdefault(key, Site(module, function, site.tasks))
        return list(found.values())

    def _is_waited_for(self, site: Site, call: Call) -> bool:
        """Whether a call hands something to threads, and its function goes on only after them."""
        name = self.sites.name(site.module, call.chain)
        if name in THREAD_MAPS:
            return True
        if name in _AWAITED or call.leaf() == "run_in_executor":
            return call.is_awaited or site.function.mentions("gather")
        return name in THREAD_SUBMITS and (site.function.mentions(*_ASKING) or self._leaves(site))

    def _leaves(self, site: Site) -> bool:
        """Whether a function leaves the block of an executor: that waits for all that it was given."""
        return any(
            self.sites.name(site.module, chain.partition("()")[0]) in THREAD_EXECUTORS
            for step in self.sites.flow(site).steps
            if step.kind == "with"
            for chain in step.chains
        )
