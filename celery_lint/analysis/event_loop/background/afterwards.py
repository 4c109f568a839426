"""What a run still awaits behind a statement of one of its coroutines, and what another coroutine awaits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.inventory.code.graph import LAYERS, CallGraph
from celery_lint.libraries.network import FAR
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

# Of a call that waits for several, or for one with a limit, what these take.
_WAITING = frozenset({"gather", "wait_for", "wait", "shield"})
_SLEEP = ("asyncio.sleep", "asyncio.tasks.sleep", "anyio.sleep")
_FAR_OFF = 10  # statements of a database take as long as one request
_A_SECOND = 20
_A_DAY = 86_400  # no sleep counts as longer
_LEAVING = frozenset({"return", "raise"})


class Afterwards:
    """How often coroutines wait for something outside the process: the measure of how long they take.

    A request to a server on the internet counts as ten waits for a database, a second of sleep as twenty. Of
    the ways through a function that counts which has no errors, each loop once, and is not left in an ``if``:
    of whose parts what a run awaits later takes the shorter one, and what it has started the longer one.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self._lengths: dict[tuple[Key, bool, int], int] = {}

    def longest(self, module: Module, function: Function) -> int:
        """How often a coroutine waits from its beginning to its end; not at all: it is done at once."""
        return self._length(module, function, LAYERS, longer=True)

    def _length(self, module: Module, function: Function, depth: int, *, longer: bool) -> int:
        key = (module.path, function.qualname), longer, depth  # so that nobody who asked before decides
        if key not in self._lengths:
            flow = self.functions.of(module, function)
            self._lengths[key] = _Measure(self, module, flow, longer).sum(flow.body(), depth)
        return self._lengths[key]

    def behind(self, module: Module, function: Function, call: Call) -> int:
        """How often a function waits, behind the statement that makes a call, before it returns."""
        flow = self.functions.of(module, function)
        step = flow.step_of(call)
        if step is None:
            return 0
        measure = _Measure(self, module, flow, longer=False)
        total, left = 0, step.kind in _LEAVING
        for outer in (*flow.ancestors(step), None):
            following = [one for one in flow.body(outer, step.role) if one.number > step.number]
            if not left:
                total += measure.sum(following, LAYERS)
                left = any(_returns(flow, one) for one in following)
            if outer is None:
                break
            if outer.kind == "try" and step.role != "finally":
                if step.role == "body" and not left:
                    total += measure.sum(flow.body(outer, "else"), LAYERS)
                total += measure.sum(flow.body(outer, "finally"), LAYERS)
            total += outer.kind == "with" and outer.waits
            step = outer
        return total

    def remaining(self, functions: Iterable[tuple[Module, Function]]) -> dict[Key, int]:
        """How often a run waits at least behind a coroutine, for those that its own, the first, leads to."""
        pairs = list(functions)
        inside = {(module.path, function.qualname) for module, function in pairs}
        found: dict[Key, int] = {}
        level = [(*pairs[0], 0)] if pairs else []
        while level:
            following: list[tuple[Module, Function, int]] = []
            for module, function, left in level:
                key = (module.path, function.qualname)
                if found.get(key, left + 1) <= left:
                    continue
                found[key] = left
                for callee in self.graph.callees(module, function):
                    path = callee.module.path, callee.function.qualname
                    if path in inside and self._is_waited_for(module, function, callee.function, callee.call):
                        behind = self.behind(module, function, callee.call)
                        following.append((callee.module, callee.function, left + behind))
            level = following
        return found

    def _is_waited_for(self, module: Module, function: Function, callee: Function, call: Call) -> bool:
        """Whether a function goes on only when what it calls has ended."""
        if call.is_awaited or not callee.is_async:
            return True
        outer = self.functions.calls(module, function)[call.parent] if call.parent >= 0 else None
        return outer is not None and outer.is_awaited and outer.leaf() in _WAITING

    def length_of(self, module: Module, call: Call, depth: int, *, longer: bool) -> int | None:
        """How often the function of the project waits that a call runs; ``None``: it is not of it."""
        target = self.graph.target(module, call.chain)
        if target is None:
            return None
        return self._length(*target, depth - 1, longer=longer) if depth and target[1].is_async else 1


class _Measure:
    """How often statements of one function wait."""

    def __init__(self, lengths: Afterwards, module: Module, flow: Flow, longer: bool) -> None:
        self.lengths = lengths
        self.module = module
        self.flow = flow
        self.longer = longer
        self.calls = lengths.functions.calls(module, flow.function)

    def sum(self, steps: Iterable[Step], depth: int) -> int:
        """What statements of one block count together, up to one that returns."""
        total = 0
        for step in steps:
            total += self._of(step, depth)
            if _returns(self.flow, step):
                break
        return total

    def _of(self, step: Step, depth: int) -> int:
        total = sum(self._costs(step, depth))
        if step.kind == "if":
            parts = [self.sum(self.flow.body(step, role), depth) for role in ("body", "else")]
            return total + (max(parts) if self.longer else min(parts))
        for role in ("body", "else", "finally") if step.kind not in ("match", "def", "class") else ():
            total += self.sum(self.flow.body(step, role), depth)
        return total

    def _costs(self, step: Step, depth: int) -> Iterator[int]:
        """What each wait of a statement counts; one that awaits something by its name waits once."""
        awaited = [self.calls[number] for number in step.calls if self.calls[number].is_awaited]
        if step.waits and (step.kind == "with" or not awaited):
            yield 1
        for call in awaited:
            yield self._cost(call, depth)

    def _cost(self, call: Call, depth: int) -> int:
        known = self.lengths.length_of(self.module, call, depth, longer=self.longer)
        if known is not None or call.chain[:1] in "%~":
            return 1 if known is None else known
        name = self.lengths.project.resolve(self.module, call.chain).name
        if name in _SLEEP:
            seconds = call.argument(0, "delay").amount
            return 1 if seconds is None else round(min(max(seconds, 0), _A_DAY) * _A_SECOND)
        if name.startswith(FAR):
            return _FAR_OFF
        if call.leaf() in _WAITING:
            inside = [self.calls[given.number] for given in call.takes if given.kind == "call"]
            if call.is_open_ended:  # `gather(*[client.get(url) for url in urls])`
                inside += [
                    one
                    for one in self.calls
                    if one.in_comprehension and one is not call and call.span.holds(one.span)
                ]
            return max([1, *(self._cost(one, depth) for one in inside)])
        return 1


def _returns(flow: Flow, step: Step) -> bool:
    """Whether a statement certainly ends its function."""
    return flow.ends([step]) and any(inner.kind in _LEAVING for inner in (step, *flow.below(step)))
