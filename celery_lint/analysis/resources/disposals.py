"""Where async engines are disposed of."""

from __future__ import annotations

from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.resources.resources import Resources
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class Disposal(NamedTuple):
    """A call of ``dispose`` on an async engine. ``in_coroutine`` names the tasks whose coroutine runs it."""

    module: Module
    function: Function
    call: Call
    engine: str
    tasks: tuple[Task, ...]
    first_action: bool
    guarded: bool

    @property
    def place(self) -> Place:
        """The dispose call."""
        return self.module.place(self.call.span)


class Disposals:
    """The calls of ``dispose`` in the product."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.resources = known.of(Resources)
        self.runs = known.of(Runs)

    @facts
    def all(self) -> list[Disposal]:
        """Every ``dispose`` of an async engine in the product."""
        found = []
        for module in self.project.product_modules():
            for function in module.functions.values():
                if not function.mentions("dispose"):
                    continue
                calls = self.functions.calls(module, function)
                for call in calls:
                    engine = self.resources.disposed_by(module, call)
                    if engine is not None:
                        found.append(self._disposal(module, function, calls, call))
        return found

    def _disposal(self, module: Module, function: Function, calls: list[Call], call: Call) -> Disposal:
        before = [other for other in calls if other.number < call.number and not other.is_decorator]
        guarded = any(
            other.chain == call.chain and (other.in_finally or other.is_context_manager) for other in calls
        ) or any("push_async_callback" in other.chain or "callback" in other.leaf() for other in calls)
        tasks = tuple(self.runs.task_coroutines.get((module.path, function.qualname), ()))
        return Disposal(module, function, call, call.receiver, tasks, not before, guarded)
