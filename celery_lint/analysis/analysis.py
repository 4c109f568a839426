"""Everything that is known once a project is linked, made lazily and at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple

from celery_lint.analysis.event_loop.async_handlers import AsyncHandlers
from celery_lint.analysis.event_loop.coroutine_runs import CoroutineRuns
from celery_lint.analysis.event_loop.coroutines import Coroutines
from celery_lint.analysis.event_loop.current_loops import CurrentLoops
from celery_lint.analysis.event_loop.handing_over import LoopBridges
from celery_lint.analysis.event_loop.left_coroutines import LeftCoroutines
from celery_lint.analysis.event_loop.loop_code import LoopCode
from celery_lint.analysis.event_loop.loop_primitives import LoopPrimitives
from celery_lint.analysis.event_loop.nested_loops import LoopSides
from celery_lint.analysis.flow.flow_facts import FlowFacts
from celery_lint.analysis.flow.report_facts import ReportFacts
from celery_lint.analysis.flow.retry_handlers import RetryHandlers
from celery_lint.analysis.flow.retry_options import RetryOptions
from celery_lint.analysis.limits.delivery_facts import DeliveryFacts
from celery_lint.analysis.limits.io_timeouts import IoTimeouts
from celery_lint.analysis.limits.limits import Limits
from celery_lint.analysis.limits.locks import Locks
from celery_lint.analysis.resources.client_caches import ClientCaches
from celery_lint.analysis.resources.late_disposals import LateDisposals
from celery_lint.analysis.resources.process_facts import ProcessFacts
from celery_lint.analysis.resources.session_facts import SessionFacts
from celery_lint.analysis.resources.sharing import Sharing
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.runs import EventLoops
from celery_lint.inventory.code.sites import TaskProcess
from celery_lint.inventory.resources.relays import leaf_of, name_of
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.in_force import EffectiveOptions
from celery_lint.inventory.tasks.registries import Bridges
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import DEFAULT_QUEUE, Pools, find_pools
from celery_lint.project.functions import Flows
from celery_lint.project.project import Project


class Failure(NamedTuple):
    """A kind of facts that could not be found, because the linter itself failed."""

    name: str
    error: Exception


class Analysis:
    """The facts of a whole project, by type, for the rules."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks, applications and wrappers."""
        return Tasks(self.project)

    @cached_property
    def settings(self) -> Settings:
        """The settings of Celery that the project gives."""
        return Settings(self.project)

    @cached_property
    def pools(self) -> Pools:
        """The worker pools of the project."""
        return find_pools(self.project, self.settings)

    def queues(self, tasks: Iterable[Task]) -> set[str] | None:
        """The queues that tasks are sent to, or ``None`` where routes decide that."""
        if self.settings.named("task_routes"):
            return None
        found = set()
        for task in tasks:
            option = self.tasks.options.get(task, "queue")
            if option is None:
                found.add(DEFAULT_QUEUE)
            else:
                name = self.project.text(*option)
                if name is None:
                    return None
                found.add(name)
        return found

    @cached_property
    def flows(self) -> Flows:
        """The statements of functions."""
        return self.project.flows

    @cached_property
    def event_loops(self) -> EventLoops:
        """Coroutine runs, disposals and awaits."""
        return EventLoops(self.project, self.tasks)

    @cached_property
    def loop_code(self) -> LoopCode:
        """The plain functions of tasks that have to do with event loops."""
        return LoopCode(self.project, self.event_loops, self.flows, self.queues)

    @cached_property
    def current_loops(self) -> CurrentLoops:
        """Event loops that are asked for, made, set and closed."""
        return CurrentLoops(self.loop_code)

    @cached_property
    def loop_bridges(self) -> LoopBridges:
        """Coroutines that are left to threads, libraries and handlers."""
        return LoopBridges(self.loop_code)

    @cached_property
    def left_coroutines(self) -> LeftCoroutines:
        """Coroutines that a soft time limit leaves behind."""
        return LeftCoroutines(self.loop_code, self.limits, self.pools)

    @cached_property
    def coroutines(self) -> Coroutines:
        """Coroutines of tasks that are made and lost, and what blocks inside them."""
        return Coroutines(self.project, self.tasks, self.event_loops, self.flows)

    @cached_property
    def coroutine_runs(self) -> CoroutineRuns:
        """What is handed to runs of coroutines, and the retries that they lose."""
        return CoroutineRuns(self.coroutines)

    @cached_property
    def loop_sides(self) -> LoopSides:
        """Asyncio called where no loop runs, and where one runs already."""
        return LoopSides(self.coroutines)

    @cached_property
    def async_handlers(self) -> AsyncHandlers:
        """Asynchronous functions that Celery calls, or that call Celery."""
        return AsyncHandlers(self.coroutines)

    @cached_property
    def session_facts(self) -> SessionFacts:
        """Sessions, and the engines behind them."""
        return SessionFacts(self.event_loops, self.flows)

    @cached_property
    def sharing(self) -> Sharing:
        """Engines and clients that several event loops use."""
        return Sharing(self.event_loops, self.pools, self.queues)

    @cached_property
    def loop_primitives(self) -> LoopPrimitives:
        """Loops, locks and queues made at import."""
        return LoopPrimitives(self.sharing, self.flows)

    @cached_property
    def process_facts(self) -> ProcessFacts:
        """What tasks do to their process, and what it has open when it is forked."""
        code = TaskProcess(self.project, self.event_loops, self.flows, self.pools, self.queues)
        return ProcessFacts(code, self.settings)

    @cached_property
    def io_timeouts(self) -> IoTimeouts:
        """Network calls of tasks that have no timeout."""
        return IoTimeouts(self.process_facts.processes.code)

    @cached_property
    def locks(self) -> Locks:
        """Locks that tasks keep in Redis or in a cache."""
        return Locks(self.process_facts.processes.code)

    @cached_property
    def limits(self) -> Limits:
        """The time limits of tasks and applications."""
        return Limits(self.project, self.tasks, self.settings, self.pools, self.event_loops.calls)

    @cached_property
    def effective_options(self) -> EffectiveOptions:
        """What is in force for a task beyond its own options."""
        return EffectiveOptions(self.project, self.tasks, self.settings, self.limits)

    @cached_property
    def retries(self) -> Retries:
        """The calls of ``retry``, and the options about retries."""
        calls = self.event_loops.calls
        return Retries(self.project, self.tasks, calls, self.flows, self.effective_options)

    @cached_property
    def retry_options(self) -> RetryOptions:
        """What is wrong with the options about retries."""
        return RetryOptions(self.retries)

    @cached_property
    def flow_facts(self) -> FlowFacts:
        """What becomes of the exceptions and results of tasks."""
        return FlowFacts(self.session_facts, self.retries, self.effective_options, self.pools, self.queues)

    @cached_property
    def retry_handlers(self) -> RetryHandlers:
        """What happens at the end of retries."""
        return RetryHandlers(self.retries)

    @cached_property
    def delivery_facts(self) -> DeliveryFacts:
        """Limits, acknowledgement and delivery."""
        return DeliveryFacts(self.event_loops, self.flows, self.retries, self.pools, self.queues)

    @cached_property
    def report_facts(self) -> ReportFacts:
        """What tasks report, to Celery and to the scheduler that tracks them."""
        return ReportFacts(self.flow_facts.bodies, self.retries, self.bridges)

    @cached_property
    def bridges(self) -> Bridges:
        """The registries that schedulers dispatch from."""
        return Bridges(self.project, self.tasks, self.event_loops.calls)

    def sinks(self) -> set[tuple[str, str]]:
        """Names that make another file worth reading: (name, leaf of the module that defines it).

        They are the project's own words for what the filter looks for: its task wrappers, functions that run
        event loops, functions that register and dispatch tasks, objects that belong to a loop.
        """
        found = {(name.rpartition(".")[2], leaf_of(path)) for path, name in self.tasks.makers.wrappers}
        found.update((name, leaf_of(path)) for path, name in self.tasks.makers.possible_wrappers())
        for path, qualname in self.event_loops.relays.to_loops:
            found.add((name_of(qualname), leaf_of(path)))
        for path, module in self.project.modules.items():
            for name, values in module.bindings.items():
                if any(value.chain.endswith(("create_async_engine", "sessionmaker")) for value in values):
                    found.add((name, leaf_of(path)))
        for path, name in self.bridges.register_functions:
            found.add((name.rpartition(".")[2], leaf_of(path)))
        for registry in self.bridges.registries:
            found.add((registry.name, leaf_of(registry.origin[0])))
            for dispatcher in registry.dispatchers:
                found.add((dispatcher.function.name, leaf_of(dispatcher.module.path)))
        return found

    def explore(self) -> None:
        """Follow every chain that may lead to a file that has not been read, and nothing more.

        What fails here fails again, and is told, when the facts are asked for.
        """
        for step in (
            lambda: self.tasks,
            lambda: self.pools,
            lambda: self.limits.explore(),
            lambda: self.retries.explore(),
            lambda: self.delivery_facts.explore(),
            lambda: (self.bridges.registries, self.bridges.unknown_keys),
            lambda: self.event_loops.relays.to_resources and self.event_loops.runs,
            lambda: self.loop_bridges.library_runs,
            lambda: self.process_facts.before_fork.explore(),
            lambda: self.locks.explore(),
            self.session_facts.sessions.explore,
            self.coroutines.explore,
            lambda: self.report_facts.errors.explore(),
        ):
            with suppress(Exception):
                step()

    def facts(self) -> Iterator[Any]:
        """Every fact that a rule may ask for."""
        for name, find in self._finders():
            yield from _found(name, find)

    def _finders(self) -> Iterator[tuple[str, Callable[[], Iterable[Any]]]]:
        yield "tasks", lambda: self.tasks.all
        yield "coroutine runs", lambda: self.event_loops.runs
        yield "disposals", lambda: self.event_loops.disposals
        yield "awaits", lambda: self.event_loops.stray_awaits
        yield "requests for a loop", lambda: self.current_loops.requests
        yield "open loops", lambda: self.current_loops.open
        yield "closed loops", lambda: self.current_loops.closed
        yield "thread bridges", lambda: self.loop_bridges.bridges
        yield "masked errors", lambda: self.loop_bridges.masked
        yield "runs of libraries", lambda: self.loop_bridges.library_runs
        yield "nested runs", lambda: self.loop_bridges.nested
        yield "left coroutines", lambda: self.left_coroutines.all
        yield "lost coroutines", lambda: self.coroutines.lost
        yield "lost asyncio tasks", lambda: self.coroutines.background
        yield "blocking calls", lambda: self.coroutines.blocking
        yield "synchronous sessions", lambda: self.coroutines.sync_sessions
        yield "given functions", lambda: self.coroutine_runs.given
        yield "lost retries", lambda: self.coroutine_runs.lost_retries
        yield "calls without a loop", lambda: self.loop_sides.loopless
        yield "direct calls of tasks", lambda: self.loop_sides.nested
        yield "nested loops", lambda: self.loop_sides.patches
        yield "asynchronous handlers", lambda: self.async_handlers.handlers
        yield "asynchronous publishers", lambda: self.async_handlers.publishes
        yield "waits for results", lambda: self.async_handlers.waits
        yield from self.session_facts.finders()
        yield from self.process_facts.finders()
        yield "shared clients", lambda: self.sharing.clients
        yield "shared engines", lambda: self.sharing.engines
        yield "engines of several owners", lambda: self.sharing.divided
        yield "caches of clients", lambda: ClientCaches(self.sharing).all
        yield "shared locks", lambda: self.loop_primitives.shared
        yield "loops made at import", lambda: self.loop_primitives.loops
        yield "late disposals", lambda: LateDisposals(self.sharing).all
        yield "applications without limits", lambda: self.limits.applications
        yield "tasks without limits", lambda: self.limits.lonely_tasks
        yield "pairs of limits", lambda: self.limits.pairs
        yield "endless waits", lambda: self.io_timeouts.endless
        yield "locks without an end", lambda: self.locks.eternal
        yield "locks that are none", lambda: self.locks.asked
        yield from self.flow_facts.finders()
        yield from self.delivery_facts.finders()
        yield "calls of retry", lambda: self.retries.calls
        yield "options about retries", lambda: self.retries.options
        yield "options without automatic retry", lambda: self.retry_options.inert
        yield "ignored delays", lambda: self.retry_options.ignored
        yield "unbounded retries", lambda: self.retry_options.unbounded
        yield "unused bounds of retries", lambda: self.retry_options.unused
        yield "unknown keywords of retry", lambda: self.retry_options.unknown_keys
        yield "exceptions of limits", lambda: self.retry_options.unreachable
        yield "handlers that never run", lambda: self.retry_handlers.dead
        yield "calculations with None", lambda: self.retry_handlers.calculations
        yield from self.report_facts.finders()
        yield "unregistered tasks", lambda: self.bridges.unregistered
        yield "unknown keys", lambda: self.bridges.unknown_keys
        yield "duplicate keys", lambda: self.bridges.duplicates
        yield "missing parameters", lambda: self.bridges.missing_parameters
        yield "values that are no tasks", lambda: self.bridges.strangers


def _found(name: str, find: Callable[[], Iterable[Any]]) -> list[Any]:
    """The facts of one kind; if they cannot be found, that must not hide the others."""
    try:
        return list(find())
    except Exception as error:
        return [Failure(name, error)]
