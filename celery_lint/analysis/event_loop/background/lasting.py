"""Coroutines that do not end by themselves: listeners, pollers, and loops that somebody else stops."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import LAYERS, CallGraph
from celery_lint.libraries.network import (
    ASKING_EVENTS,
    LISTENING,
    SERVING,
    SUBSCRIPTIONS,
    TURNING_EVENTS,
)
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.known import Known

# What a flag is compared with, and whether that asks for its opposite.
_COMPARED = {":#True": False, ":#False": True}
_LOOPS = frozenset({"for", "while"})


class Lasting:
    """Which coroutines go on until they are cancelled, or until what they listen to is closed."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self._known: dict[tuple[Key, int], bool] = {}

    def lasts(self, module: Module, function: Function, depth: int = LAYERS) -> bool:
        """Whether a coroutine, or an asynchronous generator, does not end by itself."""
        key = (module.path, function.qualname), depth  # so that nobody who asked before decides
        if key not in self._known:
            self._known[key] = any(
                self._goes_on(module, function, step, depth) if step.kind in _LOOPS else _serves(step)
                for step in self.functions.of(module, function).steps
            ) or any(
                self.is_lasting(module, call, depth)
                for call in self.functions.calls(module, function)
                if not call.in_handler and self._is_awaited(module, function, call)
            )
        return self._known[key]

    def is_lasting(self, module: Module, call: Call, depth: int = LAYERS) -> bool:
        """Whether what a call gives, a coroutine or an asynchronous generator, does not end by itself."""
        target = self.graph.target(module, call.chain)
        if target is None:
            return call.leaf() in SERVING
        return depth > 0 and target[1].is_async and self.lasts(*target, depth - 1)

    def _is_awaited(self, module: Module, function: Function, call: Call) -> bool:
        if call.is_awaited or call.parent < 0:
            return call.is_awaited
        outer = self.functions.calls(module, function)[call.parent]
        return outer.is_awaited and outer.leaf() == "gather"

    # ------------------------------------------------------------------ loops

    def _goes_on(self, module: Module, function: Function, loop: Step, depth: int) -> bool:
        if loop.is_endless:
            return True
        if not loop.chains or self._leaves(module, function, loop):
            return False
        if loop.kind == "while":
            return self._is_switched(module, function, loop)
        return loop.waits and self._is_subscription(module, function, loop.value.removesuffix("[]"), depth)

    def _leaves(self, module: Module, function: Function, loop: Step) -> bool:
        """Whether a loop is left because of what it has read, and not only where something has failed."""
        flow = self.functions.of(module, function)
        for step in self._ordinarily(module, function, loop):
            if step.kind == "return":
                return True
            if step.kind == "break" and next(s for s in flow.ancestors(step) if s.kind in _LOOPS) is loop:
                return True
        return False

    def _ordinarily(self, module: Module, function: Function, loop: Step) -> list[Step]:
        """The statements of a loop, without those where something has failed."""
        flow = self.functions.of(module, function)
        inside = flow.below(loop)
        failed = {each.number for step in inside if step.kind == "handler" for each in flow.below(step)}
        return [step for step in inside if step.number not in failed]

    def _is_subscription(self, module: Module, function: Function, chain: str, depth: int) -> bool:
        if chain.endswith("()") and leaf_of_chain(chain) in LISTENING:
            return True
        calls = self.functions.calls(module, function)
        if any(f"{call.chain}()" == chain and self.is_lasting(module, call, depth) for call in calls):
            return True
        name = self.project.resolve(module, chain).name if chain[:1] not in "%~" else ""
        return any(name.startswith(begin) and name.endswith(ends) for begin, ends in SUBSCRIPTIONS.items())

    def _is_switched(self, module: Module, function: Function, loop: Step) -> bool:
        """Whether a ``while`` goes on until somebody else turns a switch, which is a flag or an event."""
        first, *parts = loop.chains
        if first not in ("&", "|"):
            return not parts and self._is_switch(module, function, loop, first.removeprefix("="))
        calls = self.functions.calls(module, function)
        asked = [f"!{calls[number].chain}()" for number in loop.calls]  # which the parts say nothing of
        if len(asked) != parts.count("?"):
            return False
        switches = [
            self._is_switch(module, function, loop, part)
            for part in (*asked, *(part for part in parts if part != "?"))
        ]
        return all(switches) if first == "&" else any(switches)

    def _is_switch(self, module: Module, function: Function, loop: Step, asked: str) -> bool:
        chain, turned = asked.lstrip("!"), asked[:1] == "!"
        inside = self._ordinarily(module, function, loop)
        if chain.endswith(ASKING_EVENTS):
            event = chain.removesuffix(ASKING_EVENTS)
            return not any(step.value in {f"{event}.{leaf}()" for leaf in TURNING_EVENTS} for step in inside)
        for word, opposite in _COMPARED.items():
            if chain.endswith(word):
                chain, turned = chain.removesuffix(word), turned ^ opposite
        values = list(self._bound(module, chain))
        if not values or not all(isinstance(value.data, bool) for _, value in values):
            return False
        ending = [(home, value) for home, value in values if value.data is turned]
        return not any(self._is_run(module, function, inside, home, value) for home, value in ending)

    def _bound(self, module: Module, chain: str) -> Iterator[tuple[Module, Value]]:
        """All that the product's modules write into a flag: of a module, of a class or of its objects."""
        owner, _, name = chain.rpartition(".")
        entity = self.project.resolve(module, owner) if owner and owner[:1] not in "%~" else None
        if chain[:1] == ":" and not owner:
            yield from [(module, value) for value in module.bindings.get(name[1:], ())]
        elif entity is not None and entity.kind == "module" and entity.module is not None:
            yield from [(entity.module, value) for value in entity.module.bindings.get(name, ())]
        elif entity is not None and entity.kind in ("class", "instance"):
            for each in self.project.bases(entity):
                class_ = each.class_()
                if class_ is not None and each.module is not None:
                    yield from [(each.module, value) for value in class_.attributes.get(name, ())]

    def _is_run(
        self, module: Module, function: Function, inside: list[Step], home: Module, value: Value
    ) -> bool:
        """Whether one of these statements of a loop, or what they call, is the one that writes a value."""
        around = self.functions.around(home, value)
        if around is None or around is function:
            return around is function and value.span.line in {step.span.line for step in inside}
        numbers = {number for step in inside for number in step.calls}
        return any(
            (home.path, around.qualname) == (each_module.path, each.qualname)
            for callee in self.graph.callees(module, function)
            if callee.call.number in numbers
            for each_module, each in self.graph.closure(callee.module, callee.function)
        )


def _serves(step: Step) -> bool:
    return step.waits and step.value.endswith("()") and leaf_of_chain(step.value) in SERVING
