"""What runs a coroutine, and on which event loop."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from celery_lint.inventory.code.async_to_sync import AsyncToSync
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.workers.nesting import Nesting
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
# What nest_asyncio replaces.
_REPLACED = frozenset({"asyncio.run", "asyncio.runners.run"})
#: What keeps an exception to itself, as the item of a `with`.
SUPPRESS = "contextlib.suppress()"
_WITHOUT_A_LOOP = frozenset({"RuntimeError", "Exception", "BaseException"})
_OF_THE_THREAD = "threading.local()"

RunKind = Literal["run", "nested", "new", "current", "given", "kept", "apart", "bridge"]


class Runners:
    """Which calls run coroutines, and what becomes of their loops."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.async_to_sync = known.of(AsyncToSync)
        self.nesting = known.of(Nesting)
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
            if name in _REPLACED and self.nesting.applies(module, function):
                return "nested", "asyncio.run"
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

        No loop runs where a task begins: it comes to what is done without one, and to nothing behind that if
        it leaves the function. Not where the function runs coroutines on the loop of the thread.
        """
        asks = self.asks_for_loop(module, function)
        if asks and call.in_lambda:
            return True
        calls, flow = self.functions.calls(module, function), self.functions.of(module, function)
        for other in calls if asks else ():
            if other.leaf() == "run_until_complete" and not other.chain.endswith(_ON_A_RUNNING_LOOP):
                kind = self.of(module, function, other)
                if kind is not None and kind[0] == "current":
                    return True
        step = flow.step_of(call)
        if step is None:
            return asks
        around = [step, *flow.ancestors(step)]
        if any(self._needs_a_loop(module, flow, calls, *both) for both in pairwise(around)):
            return True
        earlier = (
            other
            for each in around
            for other in flow.steps[: each.number]
            if (other.parent, other.role) == (each.parent, each.role)
        )
        return any(self._leaves_without_a_loop(module, flow, calls, other) for other in earlier)

    def _needs_a_loop(
        self, module: Module, flow: Flow, calls: Sequence[Call], inner: Step, outer: Step
    ) -> bool:
        """Whether what a statement holds may only be done where a loop is running already."""
        if outer.kind == "if":
            part = self._part_with_a_loop(module, flow, calls, outer)
            return part in (inner.role, "any")
        if outer.kind == "try":
            before = [step for step in flow.body(outer) if inner.role == "else" or step.number < inner.number]
            return inner.role in ("body", "else") and _ask(flow, calls, before, "get_running_loop")
        if outer.kind == "with" and any(
            leaf_of_chain(chain).rstrip("()") in SUPPRESS for chain in outer.chains
        ):
            before = [step for step in flow.body(outer) if step.number < inner.number]
            return _ask(flow, calls, before, "get_running_loop")
        if outer.kind == "handler" and outer.parent >= 0:
            tried = flow.body(flow.steps[outer.parent])
            running = _ask(flow, calls, tried, "get_running_loop")
            return not running and _ask(flow, calls, tried, "get_event_loop")
        return False

    def _leaves_without_a_loop(self, module: Module, flow: Flow, calls: Sequence[Call], step: Step) -> bool:
        """Whether a statement ends the function where no loop is running: ``except RuntimeError: return``."""
        if step.kind == "if":
            part = self._part_with_a_loop(module, flow, calls, step)
            return part in ("body", "else") and flow.ends(
                flow.body(step, "else" if part == "body" else "body")
            )
        if step.kind == "try" and _ask(flow, calls, flow.body(step), "get_running_loop"):
            for handler in flow.body(step, "handler"):
                caught = {leaf_of_chain(chain) for chain in handler.chains}
                if not caught or not caught.isdisjoint(_WITHOUT_A_LOOP):
                    return flow.ends(flow.body(handler))
        return False

    def _part_with_a_loop(
        self, module: Module, flow: Flow, calls: Sequence[Call], step: Step
    ) -> Literal["body", "else", "any", ""]:
        """The part of an ``if`` that is only done where a loop is running; ``any``: nobody can tell which."""
        asked = step.asks_for
        if asked.endswith((".is_running()", "get_running_loop()")) or self._tells(module, asked):
            return "else" if step.asks_in_the_negative else "body"
        if not self.asks_for_loop(module, flow.function):
            return ""
        loops = {name for each in flow.steps if each.value.endswith("_loop()") for name in each.stores}
        if loops.isdisjoint(step.loads) and not any(calls[n].leaf() in ASKING_FOR_LOOP for n in step.calls):
            return ""
        handed = _ask(flow, calls, flow.body(step), *_WITH_A_LOOP)
        return "body" if handed else "any"  # `loop and loop.is_running()`

    def _tells(self, module: Module, chain: str) -> bool:
        """Whether a chain calls a function of the project that asks for the running loop."""
        helper = self.graph.target(module, chain.removesuffix("()")) if chain.endswith("()") else None
        return helper is not None and helper[1].may_call("get_running_loop")


def _ask(flow: Flow, calls: Sequence[Call], steps: Sequence[Step], *leaves: str) -> bool:
    """Whether one of these statements, or what is in it, calls something with one of these names."""
    return any(
        calls[number].leaf() in leaves
        for step in steps
        for each in (step, *flow.below(step))
        for number in each.calls
    )


def _made_here(chain: str, entity: Entity) -> bool:
    """Whether the object before the last component of a chain was made for this use of it.

    It was not when it has a name of its own: of a module, a class, an attribute of some object.
    """
    return entity.origin is None and chain.rpartition(".")[0].endswith("()")
