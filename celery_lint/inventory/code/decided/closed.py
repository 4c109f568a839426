"""Branches that no caller of their function comes to: all calls give another constant, or are refused.

It answers *yes* only where every place that says the name of the function is a call of it, and none of them
comes to the statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.files.filter import Pair
from celery_lint.inventory.code.decided.given import given_by, is_closed, told_around
from celery_lint.inventory.code.ends.unreached import Unreached
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.workers.senders.mentions import Mention, mentions_in, modules_that_count
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.steps import Step
from celery_lint.project.known import Known
from celery_lint.project.modules import leaf_of


class ClosedBranches:
    """What stands behind a test of a parameter that has the same outcome for every caller."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.unreached = known.of(Unreached)

    def words(self, places: Iterable[Place]) -> set[Pair]:
        """What another file must hold to call the functions around these places, where a test decides."""
        return {
            (function.name, leaf_of(module.path))
            for place in dict.fromkeys(places)
            for module, function, _ in self._asked_for(place)
        }

    def holds(self, place: Place) -> bool:
        """Whether a place lies in a branch of a function that no call of it comes to."""
        return any(self._is_closed(*found) for found in self._asked_for(place))

    def _is_closed(self, module: Module, function: Function, step: Step) -> bool:
        modules = modules_that_count(self.project)
        if any(self._renames(each, function) for each in modules):
            return False
        called = False
        for _, mention in mentions_in(self.project, modules, [function.name]):
            calls = self._calls(mention, function)
            if calls is None or not all(
                self._never_comes(mention.module, caller, call, module, function, step)
                for caller, call in calls
            ):
                return False
            called = called or bool(calls)
        return called

    def _asked_for(self, place: Place) -> Iterator[tuple[Module, Function, Step]]:
        """The plain function that holds a place, and the statement, where a test asks for a parameter."""
        module = self.project.modules.find(place.path)
        around = self.functions.around(module, Value("unknown", place.span)) if module is not None else None
        function = (
            module.functions.get(around.qualname) if module is not None and around is not None else None
        )
        if module is None or function is None or not function.name or not function.has("if"):
            return
        if function.owner or function.parent or function.decorators:
            return
        flow = self.functions.of(module, function)
        step = next((step for step in reversed(flow.steps) if step.span.start <= place.span.start), None)
        asked = {f"%{parameter.name}" for parameter in function.parameters}
        if step is not None and any(
            outer.kind == "if" and any(word.lstrip("=!").partition(":")[0] in asked for word in outer.chains)
            for outer in flow.ancestors(step)
        ):
            yield module, function, step

    @staticmethod
    def _renames(module: Module, function: Function) -> bool:
        """Whether a module may know the function by another name."""
        return any(
            name != function.name and leaf_of_chain(dotted) == function.name
            for name, dotted in module.imports.items()
        )

    def _calls(self, mention: Mention, function: Function) -> list[tuple[Function, Call]] | None:
        """The calls of a function where its name stands; ``None`` if something else may be done with it."""
        module, caller = mention
        if caller is None or caller is function:
            return None
        calls = self.functions.calls(module, caller)
        own = [call for call in calls if call.leaf() == function.name]
        handed = any(function.name in (each.leaf, each.text) for call in calls for each in call.takes)
        kept = any(
            chain.lstrip("=!:").rpartition(".")[2] == function.name
            for step in self.functions.of(module, caller).steps
            for chain in (step.value, *step.chains)
        )
        if not own or handed or kept:
            return None
        found = []
        for call in own:
            target = self.graph.target(module, call.chain)
            if target is None:
                return None
            if target[1] is function:
                found.append((caller, call))
        return found

    def _never_comes(
        self, home: Module, caller: Function, call: Call, module: Module, function: Function, step: Step
    ) -> bool:
        """Whether a call is refused or never made, or gives what closes the branch."""
        if call.number in self.unreached.calls(home, caller):
            return True
        around = self.functions.of(home, caller)
        made = around.step_of(call)
        flow = self.functions.of(module, function)
        known = told_around(around, made) if made is not None else ()
        return is_closed(flow, step, given_by(call, function, flow, known))
