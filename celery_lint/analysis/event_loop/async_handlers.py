"""``async def`` functions that Celery would have to await, and those outside tasks that wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.analysis.event_loop.coroutines import Coroutines
from celery_lint.analysis.event_loop.own_loops import OwnLoops
from celery_lint.inventory.application.signals.connections import connected
from celery_lint.inventory.code.unawaited import makes_coroutine
from celery_lint.inventory.tasks.results import WORDS, Results, asked_before, may_wait
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pools
from celery_lint.libraries.celery import HOOKS, SENDING
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import by_path
from celery_lint.project.known import Known, facts, once

#: Hooks that no tracer calls but Celery's own `TraceInfo`, which awaits nothing (celery/app/trace.py).
_OF_TRACEBACKS = frozenset({"on_failure", "on_retry"})


class AsyncHandler(NamedTuple):
    """An ``async def`` that Celery calls and does not await. ``kind`` is ``signal`` or ``hook``."""

    module: Module
    function: Function
    kind: Literal["signal", "hook"]
    place: Place


class AsyncPublish(NamedTuple):
    """A task sent from an ``async def``, by a client that blocks."""

    module: Module
    function: Function
    call: Call

    @property
    def place(self) -> Place:
        """The call that sends it."""
        return self.module.place(self.call.span)


class BlockingResult(NamedTuple):
    """A task's result waited for inside an ``async def``."""

    module: Module
    function: Function
    call: Call

    @property
    def place(self) -> Place:
        """The call that waits."""
        return self.module.place(self.call.span)


class AsyncHandlers:
    """What asynchronous functions have to do with Celery from outside a task."""

    def __init__(self, known: Known) -> None:
        self.coroutines = known.of(Coroutines)
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.results = known.of(Results)
        self.sendings = known.of(Sendings)
        self.functions = known.project.functions
        self.pools = known.of(Pools)
        self.own_loops = known.of(OwnLoops)

    # ------------------------------------------------------------------ handlers

    @facts
    def handlers(self) -> list[AsyncHandler]:
        """The asynchronous signal handlers and hooks of task classes."""
        found: dict[tuple[str, Place], AsyncHandler] = {}
        for module in self.project.product_modules():
            for fact in self._handlers(module):
                if not self.pools.awaits_tasks or fact.function.name in _OF_TRACEBACKS:
                    found.setdefault((fact.function.qualname, fact.place), fact)
        return list(found.values())

    @once
    def _connecting(self) -> dict[str, list[Function]]:
        return by_path(self.project.calling(".connect"))

    @once
    def _hooks(self) -> dict[str, list[Function]]:
        return by_path(self.functions.named(self.project.product_modules(), *HOOKS))

    def _handlers(self, module: Module) -> Iterator[AsyncHandler]:
        functions, path = module.functions, module.path
        connecting, hooks = self._connecting.get(path, []), self._hooks.get(path, [])
        for function in functions.in_order(functions.decorated(), connecting, hooks):
            if function.is_async and not function.is_generator:
                yield from self._declared(module, function)
            if function.may_call(".connect"):
                yield from self._connected(module, function)

    def _declared(self, module: Module, function: Function) -> Iterator[AsyncHandler]:
        place = module.place(function.span)
        if function.name in HOOKS and function.owner and makes_coroutine(module, function):
            if self.tasks.is_task_class(Entity("class", function.owner, module)):
                yield AsyncHandler(module, function, "hook", place)
        elif any(self._is_signal(module, innermost.chain) for innermost in function.decorators[-1:]):
            # Only the innermost: a decorator below it may have made a plain function.
            yield AsyncHandler(module, function, "signal", place)

    def _connected(self, module: Module, function: Function) -> Iterator[AsyncHandler]:
        for call in self.functions.calls(module, function):
            given = call.argument(0, "receiver")
            if call.is_decorator or not given.chain or not self._is_signal(module, call.chain):
                continue
            target = self.project.resolve(module, given.chain)
            handler = target.function()
            if handler is not None and target.module is not None and makes_coroutine(target.module, handler):
                yield AsyncHandler(target.module, handler, "signal", module.place(call.span))

    def _is_signal(self, module: Module, chain: str) -> bool:
        return chain[:1] != "%" and connected(self.project, module, chain) is not None

    # ------------------------------------------------------------------ clients

    @once
    def _inside(self) -> set[Key]:
        """The coroutines that tasks run."""
        return {(view.module.path, view.function.qualname) for view in self.coroutines.inside}

    def _clients(self, *words: str) -> Iterator[tuple[Module, Function]]:
        """The ``async def`` functions that are no tasks and whose calls hold one of these words."""
        for module, function in self.project.holding(*words):
            if function.is_async and (module.path, function.qualname) not in self.tasks.by_function:
                yield module, function

    def _is_inside(self, module: Module, function: Function) -> bool:
        """Whether tasks run a coroutine function: this is dear, so that it is asked last."""
        return (module.path, function.qualname) in self._inside

    @facts
    def publishes(self) -> list[AsyncPublish]:
        """The tasks that asynchronous functions send themselves."""
        found = []
        for module, function in self._clients(*SENDING):
            sent = [
                AsyncPublish(module, function, sending.call)
                for sending in self.sendings.within(module, function)
                if sending.through == "task" and not sending.call.in_lambda
            ]
            if sent and not self._is_inside(module, function):
                found += sent
        return found

    @facts
    def waits(self) -> list[BlockingResult]:
        """The results that asynchronous functions wait for, but for those that are alone on their loop."""
        found = []
        for module, function in self._clients(*WORDS):
            if not may_wait(function):
                continue
            flow = self.functions.of(module, function)
            waiting = [
                BlockingResult(module, function, call)
                for call in self.functions.calls(module, function)
                if self._waits(module, function, call) and not asked_before(flow, call)
            ]
            if not waiting or self._is_inside(module, function):
                continue
            if not self.own_loops.holds(module, function):
                found += waiting
        return found

    def _waits(self, module: Module, function: Function, call: Call) -> bool:
        patience = call.keyword("timeout").amount
        if patience is not None and patience < 1:  # `timeout=0` does not wait at all
            return False
        result = self.results.waited_for(module, function, call)
        return result is not None and not result.is_eager
