"""Coroutines that have an event loop to themselves: who blocks it stops nobody else.

``asyncio.run(main())`` in a script or in the command of a command line, where nothing is started beside it.
"""

from __future__ import annotations

import re

from celery_lint.libraries.asyncio import BESIDE_ONE, KEEPING_BUSY, RUNNERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.project.known import Known
from celery_lint.project.modules import leaf_of

# So many coroutines await each other.
_MOST_AWAITING = 6
# How code says the name of a module, where many a function has it too: `main`.
_IMPORTED = (
    rb"(?:\bimport\b[^\n#]*|\bfrom\b[^\n#]*)\b%b\b|[\"'.]%b[.:\"']|\b%b[.:]%b\b"
    rb"|\n[ \t]*%b[ \t]*(?:,|as\b)"
)
_UNTIL_COMPLETE = "run_until_complete"


class OwnLoops:
    """The coroutine functions that only run where nothing else is on the loop."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    def holds(self, module: Module, function: Function) -> bool:
        """Whether all that makes a coroutine of a function runs it on a loop of its own."""
        return (
            self._is_alone(module, function, _MOST_AWAITING)
            and not any(self._keeps_busy(path) for path in module.all_imports)
            and not any(True for _ in self.functions.calling([module], *BESIDE_ONE))
        )

    def _is_alone(self, module: Module, function: Function, left: int) -> bool:
        if not left or not function.is_async or function.owner or function.decorators:
            return False
        if not function.is_nested() and self._may_be_taken(module, function):
            return False
        uses = self._uses(module, function)
        return bool(uses) and all(self._runs_alone(module, around, call, left) for around, call in uses)

    def _uses(self, module: Module, function: Function) -> list[tuple[Function, Call]]:
        """The calls of a function; none where something else is done with it."""
        chain, found = f":{function.qualname}", []
        for _, around in self.functions.holding([module], chain):
            calls = self.functions.calls(module, around)
            if any(call.hands_on(chain) for call in calls):
                return []
            found += [(around, call) for call in calls if call.chain == chain]
        for _, around in self.functions.stating([module], function.name):
            called = {call.number for holder, call in found if holder is around}
            for step in self.functions.of(module, around).steps:
                if function.name in step.loads and step.kind != "def" and called.isdisjoint(step.calls):
                    return []
        bound = any(value.chain == chain for values in module.bindings.values() for value in values)
        return [] if bound else found

    def _runs_alone(self, module: Module, around: Function, call: Call, left: int) -> bool:
        """Whether a call makes a coroutine that is run, or awaited, where nothing else runs."""
        if call.in_lambda or call.in_comprehension:
            return False
        if call.is_awaited:
            return self._is_alone(module, around, left - 1)
        if call.parent < 0:
            return False
        taker = self.functions.calls(module, around)[call.parent]
        if taker.is_awaited:  # `await safely(work())`
            home = taker.chain.removeprefix(":")
            return (
                taker.chain[:1] == ":"
                and home in module.functions
                and self._is_alone(module, around, left - 1)
            )
        if around.is_async:
            return False
        return taker.leaf() == _UNTIL_COMPLETE or self.project.resolve(module, taker.chain).name in RUNNERS

    def _may_be_taken(self, module: Module, function: Function) -> bool:
        """Whether another file of Python says the names of a function and of its module, which no path is."""
        written, stem = self.project.deployment.written, leaf_of(module.path)
        said = _IMPORTED if stem == function.name else rb"\b%b\b(?!\.py\b)"
        module_said = re.compile(said.replace(b"%b", stem.encode()))
        return any(
            path.endswith(".py") and path != module.path and module_said.search(written.text(path))
            for path in written.lines(function.name).keys() & written.lines(stem).keys()
        )

    def _keeps_busy(self, path: str) -> bool:
        return path.partition(".")[0] in KEEPING_BUSY
