"""What runs a coroutine, and on which event loop."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from celery_lint.inventory.code.async_to_sync import AsyncToSync
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.libraries.asyncio import (
    ASKING_FOR_LOOP,
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
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

LOOP_MAKERS = ("asyncio.new_event_loop()", "asyncio.events.new_event_loop()", "uvloop.new_event_loop()")
_CURRENT_LOOPS = ("asyncio.get_event_loop", "asyncio.get_running_loop")
#: The name of a run of what ``asyncer.runnify`` has made.
RUNNIFIED = "asyncer.runnify"
_ON_A_RUNNING_LOOP = "get_running_loop().run_until_complete"
# What is done where a loop is running already: it cannot wait for a coroutine itself.
_WITH_A_LOOP = ("create_task", "ensure_future", "run_coroutine_threadsafe", "submit")
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

    def may_pass_by(self, module: Module, function: Function, call: Call) -> bool:
        """Whether a task may not come to a run in a function that asks for a loop first.

        No loop runs where a task begins: it comes to what is done without one. Not where the function runs
        coroutines on the loop of the thread, nor where nest_asyncio makes a run keep its loop.
        """
        if call.in_lambda or function.mentions("nest_asyncio"):
            return True
        calls, flow = self.functions.calls(module, function), self.functions.of(module, function)
        for other in calls:
            if other.leaf() == "run_until_complete" and not other.chain.endswith(_ON_A_RUNNING_LOOP):
                kind = self.of(module, function, other)
                if kind is not None and kind[0] == "current":
                    return True
        step = flow.step_of(call)
        around = [step, *flow.ancestors(step)] if step is not None else []
        return step is None or any(_needs_a_loop(flow, calls, *both) for both in pairwise(around))


def _needs_a_loop(flow: Flow, calls: Sequence[Call], inner: Step, outer: Step) -> bool:
    """Whether what a statement holds may only be done where a loop is running already."""

    def asks(step: Step, *leaves: str) -> bool:
        below = [step, *flow.below(step)]
        return any(calls[number].leaf() in leaves for each in below for number in each.calls)

    if outer.kind == "if":
        asked = outer.asks_for
        if asked.endswith((".is_running()", "get_running_loop()")):
            return inner.role == ("else" if outer.asks_in_the_negative else "body")
        loops = {name for step in flow.steps if step.value.endswith("_loop()") for name in step.stores}
        if loops.isdisjoint(outer.loads) and not any(calls[n].leaf() in ASKING_FOR_LOOP for n in outer.calls):
            return False
        handed = any(asks(step, *_WITH_A_LOOP) for step in flow.body(outer))
        return inner.role == "body" or not handed  # `loop and loop.is_running()`
    if outer.kind == "try":
        before = [step for step in flow.body(outer) if inner.role == "else" or step.number < inner.number]
        return inner.role in ("body", "else") and any(asks(step, "get_running_loop") for step in before)
    if outer.kind == "handler" and outer.parent >= 0:
        tried = flow.body(flow.steps[outer.parent])
        running = any(asks(step, "get_running_loop") for step in tried)
        return not running and any(asks(step, "get_event_loop") for step in tried)
    return False


def _made_here(chain: str, entity: Entity) -> bool:
    """Whether the object before the last component of a chain was made for this use of it.

    It was not when it has a name of its own: of a module, a class, an attribute of some object.
    """
    return entity.origin is None and chain.rpartition(".")[0].endswith("()")
