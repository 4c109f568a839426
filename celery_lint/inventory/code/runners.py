"""What runs a coroutine, and on which event loop."""

from __future__ import annotations

from typing import Literal

from celery_lint.inventory.code.async_to_sync import AsyncToSync
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.libraries.asyncio import (
    ASYNC_TO_SYNC,
    CURRENT_LOOP,
    LOOP_CLASSES,
    PORTALS,
    RUN_ASYNC,
    RUNNERS,
    SET_LOOP,
)
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known

LOOP_MAKERS = ("asyncio.new_event_loop()", "asyncio.events.new_event_loop()", "uvloop.new_event_loop()")
_CURRENT_LOOPS = ("asyncio.get_event_loop", "asyncio.get_running_loop")
#: The name of a run of what ``asyncer.runnify`` has made.
RUNNIFIED = "asyncer.runnify"
_OF_THE_THREAD = "threading.local()"

RunKind = Literal["run", "new", "current", "given", "kept", "apart", "bridge"]


class Runners:
    """Which calls run coroutines, and what becomes of their loops."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.async_to_sync = known.of(AsyncToSync)
        self.functions = known.project.functions

    def of(self, module: Module, function: Function, call: Call) -> tuple[RunKind, str] | None:
        """The kind and name of the runner that a call is."""
        chain = call.chain
        if chain[:1] == "%" or (call.in_lambda and not call.is_argument):
            return None
        entity = self.project.resolve(module, chain)
        name = entity.name if entity.kind == "external" else ""
        if name in RUNNERS:
            if "Runner()" in name and not _made_here(chain, entity):
                return "kept", "Runner.run"
            return "run", name.replace("runners.", "").replace("Runner().run", "Runner.run")
        if name in PORTALS:
            if "()" in name and not _made_here(chain, entity):
                return "apart", "BlockingPortal.call"
            return "run", "BlockingPortal.call" if "()" in name else name
        if name in RUN_ASYNC:
            return "apart", "run_async"
        if name.startswith(_OF_THE_THREAD) and name.endswith(".run") and self._keeps_runner(entity):
            return "current", "Runner.run"
        if name.endswith(".run_until_complete"):
            owner = name.removesuffix(".run_until_complete")
            if owner.startswith(_OF_THE_THREAD):
                return "current", "run_until_complete"
            if not _made_here(chain, entity):
                return "kept", "run_until_complete"
            if owner in LOOP_CLASSES:
                return "given", "run_until_complete"
            if owner in LOOP_MAKERS and not self.asks_for_loop(module, function):
                kept = self._is_left_current(module, function, chain)
                return "current" if kept else "new", "run_until_complete"
            return "current", "run_until_complete"
        maker = self.async_to_sync.made_by(entity)
        if maker:
            return ("bridge", "async_to_sync") if maker == ASYNC_TO_SYNC else ("run", RUNNIFIED)
        return None

    def _is_left_current(self, module: Module, function: Function, chain: str) -> bool:
        """Whether the loop comes from a helper that makes it where none is current, sets it, and keeps it."""
        loop = chain.rpartition(".")[0]
        helper = self.graph.target(module, loop.removesuffix("()"))
        if helper is None or function.may_call(f"{loop}.close"):
            return False
        called = {self.project.resolve(helper[0], call.chain).name for call in self.functions.calls(*helper)}
        return not (called.isdisjoint(CURRENT_LOOP) or called.isdisjoint(SET_LOOP))

    def _keeps_runner(self, entity: Entity) -> bool:
        """Whether an attribute of a ``threading.local()`` is a runner: ``kept.runner = asyncio.Runner()``."""
        if entity.origin is None:
            return False
        path, name = entity.origin
        key = entity.name.removesuffix(".run").rpartition(".")[2]
        return any(
            (each.key, leaf_of_chain(each.target)) == (key, name) and f"{each.value.chain}().run" in RUNNERS
            for each in self.project.modules[path].assignments
        )

    def asks_for_loop(self, module: Module, function: Function) -> bool:
        """Whether a function asks for the current loop, or the running one."""
        return any(call.chain in _CURRENT_LOOPS for call in self.functions.calls(module, function))


def _made_here(chain: str, entity: Entity) -> bool:
    """Whether the object before the last component of a chain was made for this use of it.

    It was not when it has a name of its own: of a module, a class, an attribute of some object.
    """
    return entity.origin is None and chain.rpartition(".")[0].endswith("()")
