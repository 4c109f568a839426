"""What is done with the results of tasks: who waits for them, and who takes them for what they hold."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.results.ignored import IgnoredResults
from celery_lint.analysis.results.waited import Waited, WaitedResults
from celery_lint.inventory.code.handlers import is_log
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.code.ways.on_request import OnRequest
from celery_lint.inventory.tasks.results import WORDS, Result, Results, asked_before, only_binding
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.inventory.workers.running import Workers
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

# Pools in which Celery refuses to wait for a result within a task. Those of greenlets wait, and that works.
_REFUSING = ("prefork", "solo", "threads")
_ALLOWING = "allow_join_result"
_CURRENT = "current_task"
# What is taken from a result in a display or a conditional expression, as statements hold it.
_OF_RESULTS = frozenset({".id", ".task_id", ".state", ".status", ".result", ".info"})
# Calls that make a result, as they are packed.
_MADE = (".delay\t", ".apply_async\t", ".apply\t", "Result\t")


class WaitInTask(NamedTuple):
    """A task that waits for another. ``pool`` is one that refuses it, if that is known."""

    place: Place
    site: Site
    call: Call
    waited_for: Task | None
    pool: Pool | None


class TestedResult(NamedTuple):
    """A result whose truth decides. ``name`` is the variable, if it is one; for the others see `Result`."""

    place: Place
    name: str
    is_asked_for: bool
    is_eager: bool
    made: Place | None


class ResultReads:
    """Results of tasks, and what becomes of them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.results = known.of(Results)
        self.waited = known.of(WaitedResults)
        self.ignored = known.of(IgnoredResults)
        self.sites = known.of(Sites)
        self.on_request = known.of(OnRequest)
        self.unsent = known.of(Unsent)
        self.pools = known.of(Pools)
        self.workers = known.of(Workers)

    # ------------------------------------------------------------------ in tasks

    @facts
    def waits(self) -> list[WaitInTask]:
        """The tasks that wait for another one."""
        return list(self._waits())

    def _waits(self) -> Iterator[WaitInTask]:
        if self.pools.awaits_tasks:
            return
        for site in self.sites.all:
            flow = self.sites.flow(site)
            found = [
                waited
                for waited in self.waited.of(site)
                if not waited.call.keyword("disable_sync_subtasks")
                and not waited.call.keyword("**")
                and not self._allowed(site, flow, waited.call)
                and not self._is_ignored(waited)
            ]
            if not found or not self._refused(site) or not (site.is_task() or self._only_from_tasks(site)):
                continue
            if all(self.unsent.is_unsent(task) for task in site.tasks):
                continue
            pool = self.pools.of(site.tasks).first(*_REFUSING)
            call, result, _, made = found[0]  # the first that is refused ends the function
            if site.is_task() and result.is_asked_for and all(map(self.unsent.is_unnamed, site.tasks)):
                continue  # a handler of errors that nothing links
            around = site if made.key == site.key else site._replace(tasks=made.tasks)
            yield WaitInTask(site.module.place(call.span), around, call, result.task, pool)

    def _is_ignored(self, waited: Waited) -> bool:
        """Whether nobody keeps the result of what is sent: ``get`` gives nothing, at once."""
        made, result = waited.made, waited.result
        kept = self.ignored.option(made.module, made.function, waited.chain, result) is None
        return not kept and not result.is_asked_for

    def _refused(self, site: Site) -> bool:
        """Whether a pool that may run the task refuses to wait."""
        known = self.pools.of(site.tasks).known
        return not known or self.workers.running(_REFUSING, site.tasks) is not None

    def _allowed(self, site: Site, flow: Flow, call: Call) -> bool:
        """Whether somebody has seen to it that waiting is allowed, or that there is nothing to wait for."""
        step = flow.step_of(call)
        if step is None or asked_before(flow, call) or self.on_request.holds(site, step):
            return True
        around = (step, *flow.ancestors(step))
        return any(
            (outer.kind == "with" and any(_ALLOWING in chain for chain in outer.chains))
            or (outer.kind == "if" and _CURRENT in outer.loads)
            for outer in around
        )

    def _only_from_tasks(self, site: Site) -> bool:
        """Whether nothing but tasks calls a function: elsewhere it may wait, and know that it does."""
        name = site.function.name
        known = {other.key for other in self.sites.all}
        words = (f".{name}", f":{name}", f"/{name}")
        return not any(
            function.may_call(*words)
            for module, function in self.project.calling(*words)
            if (module.path, function.qualname) not in known
        )

    # ------------------------------------------------------------------ truth

    @facts
    def tested(self) -> list[TestedResult]:
        """The results whose truth decides something: they are always true."""
        return [
            fact
            for module, function in self.project.holding(*WORDS, *_MADE)
            for fact in self._tested(module, function)
        ]

    def _tested(self, module: Module, function: Function) -> Iterator[TestedResult]:
        flow = self.functions.of(module, function)
        for call in self.functions.calls(module, function):
            step = flow.step_of(call) if call.is_tested and not call.in_lambda else None
            if step is not None and not _only_tells(flow, step):
                result = self._one(module, function, f"{call.chain}()")
                if result is not None:
                    yield TestedResult(
                        module.place(call.span), "", result.is_asked_for, result.is_eager, None
                    )
        if not function.states("!"):
            return
        seen: set[str] = set()
        for step in flow.steps:
            for load in step.loads:
                if load[0] != "!" or load in seen:
                    continue
                name = load[1:]
                binding = only_binding(flow, name)
                result = self._one(module, function, binding.value) if binding is not None else None
                if binding is None or result is None or binding.waits:
                    continue
                if self._is_guard(module, flow, step, binding, result) or _only_tells(flow, step):
                    continue
                seen.add(load)
                made = module.place(binding.span)
                yield TestedResult(module.place(step.span), name, result.is_asked_for, result.is_eager, made)

    def _is_guard(self, module: Module, flow: Flow, step: Step, binding: Step, result: Result) -> bool:
        """Whether a condition stands before a use of the result, so that nobody takes it for the outcome.

        The result for an id, of which nobody knows whether it was ever sent, is used in the condition itself.
        """
        calls = self.functions.calls(module, flow.function)
        own = f"{binding.value}."
        if f"@{binding.name}" in step.loads or any(calls[n].chain.startswith(own) for n in step.calls):
            return True
        if result.is_asked_for:
            return False
        name = binding.stores[0]
        return (
            not _OF_RESULTS.isdisjoint(step.loads)
            or any(name in other.loads and f"!{name}" not in other.loads for other in flow.steps)
            or flow.function.mentions(own)
            or any(own in str(value) for value in flow.function.returns)
        )

    def _one(self, module: Module, function: Function, chain: str) -> Result | None:
        """The result of a single task: those of groups are true if there is one among them."""
        result = self.results.of(module, function, chain)
        return result if result is not None and not result.several else None


def _only_tells(flow: Flow, step: Step) -> bool:
    """Whether a condition decides about nothing but lines of a log: whoever mends it mends nothing."""
    inside = flow.below(step) if step.kind == "if" else []
    return bool(inside) and all(inner.kind == "pass" or is_log(inner) for inner in inside)
