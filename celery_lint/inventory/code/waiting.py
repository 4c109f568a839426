"""What the functions of tasks wait for: network, databases, other programs, time."""

from __future__ import annotations

from celery_lint.inventory.code.graph import DEPTH, CallGraph
from celery_lint.libraries.network import BLOCKING, WAITING, WAITING_METHODS, WAITING_PARTS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.project.entity import Key
from celery_lint.project.known import Known

_RESULT = ".execute()."  # `(await session.execute(…)).scalars()` is asked of what is there already


class Waiting:
    """Where code waits for something outside its process, as far as that is known for certain."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self._functions: dict[Key, bool] = {}
        self._blocking: dict[Key, bool] = {}

    def waits(self, module: Module, call: Call) -> bool:
        """Whether a call waits: itself, or in a function of the project that it leads to."""
        if call.is_awaited or self.is_wait(module, call) or call.leaf() in WAITING_METHODS:
            return True
        if call.chain[:1] == "%" and "." not in call.chain:
            return True  # a step that somebody hands over: it is there to do the work
        target = self.graph.target(module, call.chain)
        return target is not None and self._is_waiting(*target)

    def blocks(self, module: Module, call: Call) -> bool:
        """Whether a call in a coroutine holds up its thread for certain: itself, or what it calls."""
        target = self.graph.target(module, call.chain)
        return self._blocks(module, call) if target is None else self._is_blocking(*target, DEPTH)

    def _blocks(self, module: Module, call: Call) -> bool:
        if call.is_awaited or call.is_argument or _RESULT in call.chain:
            return False
        return call.leaf() in WAITING_METHODS or self.project.resolve(module, call.chain).name in BLOCKING

    def _is_blocking(self, module: Module, function: Function, depth: int) -> bool:
        key = (module.path, function.qualname)
        if key not in self._blocking:
            self._blocking[key] = False  # while it is worked out; functions may call each other
            callees = self.graph.callees(module, function) if depth else []
            self._blocking[key] = any(
                self._blocks(module, call) for call in self.functions.calls(module, function)
            ) or any(
                callee.is_called and self._is_blocking(callee.module, callee.function, depth - 1)
                for callee in callees
            )
        return self._blocking[key]

    def _is_waiting(self, module: Module, function: Function) -> bool:
        key = (module.path, function.qualname)
        if key not in self._functions:
            self._functions[key] = any(
                self.is_wait(inner_module, call) or call.leaf() in WAITING_METHODS
                for inner_module, inner in self.graph.closure(module, function)
                for call in self.functions.calls(inner_module, inner)
            )
        return self._functions[key]

    def is_wait(self, module: Module, call: Call) -> bool:
        """Whether a call itself is known to wait for something outside its process."""
        chain = call.chain
        if any(part in chain for part in WAITING_PARTS) or chain.startswith(WAITING):
            return True
        if chain[:1] in "%~":
            return False
        entity = self.project.resolve(module, chain)
        return entity.kind == "external" and entity.name.startswith(WAITING)
