"""Functions that certainly give no coroutine, nor anything else that can be awaited."""

from __future__ import annotations

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.code.unawaited import is_left_alone
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known
from celery_lint.project.unseen.set_attributes import SetAttributes

# A constant, a text, a display: what a statement says of such a value begins with these.
_LITERAL = ("#", "'", "{", "[", "(")
# What a coroutine gives is no coroutine, as a rule: these have run it to its end.
_RUN = ("asyncio.run()", ".run_until_complete()", "asyncio.Runner().run()")
# These make something to be awaited; of a library, that is known by their names.
_AWAITABLE = frozenset(
    {"create_future", "create_task", "ensure_future", "gather", "run_in_executor", "shield", "sleep"}
    | {"to_thread", "wait", "wait_for", "wrap_future"}
)


class PlainValues:
    """What plain functions give."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.runs = known.of(Runs)
        self.set_attributes = known.of(SetAttributes)

    def gives(self, module: Module, function: Function) -> bool:
        """Whether a call of a plain function gives a literal, ``None``, or the result of a coroutine.

        Only of functions of modules: a method may be that of another class.
        """
        if function.is_async or function.is_generator or function.owner or not function.name:
            return False
        if not is_left_alone(module, function) or function.name in self.set_attributes.names:
            return False
        flow = self.functions.of(module, function)
        return all(self._is_plain(module, flow, step) for step in flow.steps if step.kind == "return")

    def _is_plain(self, module: Module, flow: Flow, returning: Step) -> bool:
        """Whether a statement returns such a value, or a variable that only ever has such values."""
        value = returning.value
        if not value:
            return not returning.calls and not returning.loads
        if self._says_plain(module, flow, returning):
            return True
        name = value[1:] if value[:1] == "%" else ""
        if not name.isidentifier() or flow.function.takes(name) or self._is_shared(module, flow, name):
            return False
        binding = [step for step in flow.steps if name in step.stores]
        return bool(binding) and all(
            step.kind == "assign" and len(step.stores) == 1 and self._says_plain(module, flow, step)
            for step in binding
        )

    def _is_shared(self, module: Module, flow: Flow, name: str) -> bool:
        """Whether another function may bind a variable, too: by ``global``, or by ``nonlocal``."""
        return any(
            step.kind == "global" and name in step.stores
            for function in self.functions.within(module, flow.function.qualname)
            if function.has("global")
            for step in self.functions.of(module, function).steps
        )

    def _says_plain(self, module: Module, flow: Flow, step: Step) -> bool:
        if step.value.startswith(_LITERAL):
            return True
        if not step.value.endswith(_RUN):
            return False
        calls = self.functions.calls(module, flow.function)
        return not any(
            self._gives_awaitable(*target)
            for number in step.calls
            if f"{calls[number].chain}()" == step.value
            for target in self.runs.coroutine_functions(module, flow.function, calls[number].argument(0))
        )

    def _gives_awaitable(self, module: Module, function: Function) -> bool:
        """Whether what a coroutine gives may have to be awaited as well: `return fetch(pk)`."""
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        given = {step.value for step in flow.steps if step.kind == "return" and not step.waits}
        made = [call for call in calls if not call.is_awaited and not call.is_argument]
        return any(
            f"{call.chain}()" in given or (call.is_bound and self._binds_given(flow, call, given))
            for call in made
            if self._may_be_awaited(module, call)
        )

    def _binds_given(self, flow: Flow, call: Call, given: set[str]) -> bool:
        step = flow.step_of(call)
        return step is not None and any(f"%{name}" in given for name in step.stores)

    def _may_be_awaited(self, module: Module, call: Call) -> bool:
        if call.leaf() in _AWAITABLE:
            return True
        target = self.graph.target(module, call.chain)
        return target is not None and (target[1].is_async or bool(target[1].decorators))
