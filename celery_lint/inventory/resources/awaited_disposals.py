"""The disposals that a function awaits, and the engines behind them."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.resources.resources import Resources
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known


class EngineDisposal(NamedTuple):
    """An awaited disposal: ``label`` as in the source, ``engines`` the dotted names of what it disposes of.

    ``block`` tells the list of statements in a ``finally`` that it stands in; it is empty elsewhere. ``by``
    is the function of the project that disposes.
    """

    label: str
    engines: tuple[str, ...]
    place: Place
    block: tuple[int, ...]
    resolved: bool
    by: Key | None = None


def _block(flow: Flow, step: Step) -> tuple[int, ...]:
    """The list of statements of a ``finally`` in which a disposal stands, seen through ``if``."""
    if step.kind != "expr" or flow.inside(step, "try", "finally") is None:
        return ()
    role = step.role
    for outer in flow.ancestors(step):
        if outer.kind != "if":
            return (outer.number, "beh".find(role[0]) if role != "finally" else 9)
        role = outer.role
    return ()


class AwaitedDisposals:
    """The disposals that functions await."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.resources = known.of(Resources)
        self.graph = known.of(CallGraph)

    def of(self, module: Module, function: Function) -> tuple[EngineDisposal, ...]:
        """The disposals that a function awaits."""
        return tuple(self._disposals(module, function))

    def _disposals(self, module: Module, function: Function) -> Iterator[EngineDisposal]:
        flow = self.functions.of(module, function)
        calls = self.functions.calls(module, function)
        for step in flow.steps:
            for number in step.calls:
                call = calls[number]
                if call.is_awaited and "dispose" in call.chain:
                    disposal = self._disposal(module, flow, step, call)
                    if disposal is not None:
                        yield disposal

    def _disposal(self, module: Module, flow: Flow, step: Step, call: Call) -> EngineDisposal | None:
        place, block = module.place(call.span), _block(flow, step)
        if call.leaf() == "dispose":
            spelled = call.receiver
            engine = self.resources.disposed_by(module, call)
            names = (self._dotted(engine.origin),) if engine is not None and engine.origin else (spelled,)
            return EngineDisposal(f"{spelled}.dispose()", names, place, block, engine is not None)
        target = self.graph.target(module, call.chain)
        if target is None:
            if call.chain.startswith((":", "%", "~")):
                return None
            return EngineDisposal(f"{call.leaf()}()", (call.leaf(),), place, block, False)
        engines = tuple(dict.fromkeys(self._engines_of(*target)))
        by = target[0].path, target[1].qualname
        return EngineDisposal(f"{call.leaf()}()", engines, place, block, True, by) if engines else None

    def _engines_of(self, module: Module, function: Function) -> Iterator[str]:
        """The engines that a function disposes of."""
        for inner_module, inner in self.graph.deep_closure(module, function):
            if inner.mentions("dispose"):
                for call in self.functions.calls(inner_module, inner):
                    engine = self.resources.disposed_by(inner_module, call)
                    if engine is not None and engine.origin is not None:
                        yield self._dotted(engine.origin)

    def _dotted(self, origin: Key) -> str:
        return f"{self.project.imports.module_name(origin[0])}.{origin[1]}"
