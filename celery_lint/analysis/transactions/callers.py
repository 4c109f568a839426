"""Who calls a function with its session, and commits that after the call."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.committing import Committing, commit_after
from celery_lint.inventory.code.called import named
from celery_lint.inventory.code.decided.given import given_by, is_closed
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Class, Function, Module, Place
from celery_lint.model.steps import Step
from celery_lint.project.known import Known

_DEEPEST = 3


class CommittingCallers:
    """The callers of functions that leave the commit of their session to them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.committing = known.of(Committing)

    def commit(
        self, module: Module, function: Function, session: str, given: Step, sent: Step, depth: int = _DEEPEST
    ) -> tuple[Place, bool] | None:
        """The commit behind a call of a function that sends, and whether that is the end of a block.

        Of the first caller that certainly commits the session which it gives: one is enough.
        """
        parameter = self.parameter(function, session, given)
        attribute = session.removeprefix(f":{function.owner}().") if function.owner else session
        if not depth or not (parameter or attribute.isidentifier()):
            return None
        flow = self.functions.of(module, function)
        for home, caller, call in self._calls(module, function):
            step = self.functions.of(home, caller).step_of(call)
            if step is None or call.in_lambda or (function.is_async and not call.is_awaited):
                continue
            if is_closed(flow, sent, given_by(call, function, flow, ())):
                continue
            held = (
                _filling(call, function, parameter)
                if parameter
                else self._held(module, function, attribute, home, caller, call)
            )
            found = self._behind(home, caller, held, step, depth) if held else None
            if found is not None:
                return found
        return None

    def _behind(
        self, module: Module, caller: Function, session: str, step: Step, depth: int
    ) -> tuple[Place, bool] | None:
        """What commits this session after a statement: below it, at the end of a block, or in a caller."""
        flow = self.functions.of(module, caller)
        later = commit_after(flow, self.functions.calls(module, caller), session, step, step)
        if later is not None:
            return module.place(later.span), False
        ended = self.committing.around(module, caller, session, step, step)
        if ended is not None:
            return ended, True
        return self.commit(module, caller, session, step, step, depth - 1)

    def parameter(self, function: Function, session: str, step: Step) -> str:
        """The parameter that a session is, which a statement uses."""
        for parameter in function.parameters:
            chains = (f"%{parameter.name}", f"{parameter.annotation}()")
            if parameter.name in step.loads and session in chains:
                return parameter.name
        return ""

    def _calls(self, module: Module, function: Function) -> Iterator[tuple[Module, Function, Call]]:
        """The calls of a function, wherever they stand in the product."""
        for home, caller in self.project.calling(function.name):
            for call in self.functions.calls(home, caller):
                if call.leaf().lstrip(":") == function.name:
                    target = named(self.project, home, call.chain)
                    if target is not None and (target.module, target.function) == (module, function):
                        yield home, caller, call

    def _held(
        self, module: Module, function: Function, attribute: str, home: Module, caller: Function, call: Call
    ) -> str:
        """The session that an object has in an attribute, as its caller knows it."""
        owner = call.chain.rpartition(".")[0]
        if home is module and owner == f":{caller.owner}()" and caller.owner == function.owner:
            return f"{owner}.{attribute}"  # of the same object
        class_ = module.classes.get(function.owner)
        init = module.functions.get(f"{function.owner}.__init__")
        if class_ is None or init is None or not owner.endswith("()"):
            return ""
        parameter = _kept(class_, init, attribute)
        made = [each for each in self.functions.calls(home, caller) if f"{each.chain}()" == owner]
        held = {_filling(each, init, parameter) for each in made} if parameter else set()
        return min(held) if len(held) == 1 else ""


def _kept(class_: Class, init: Function, attribute: str) -> str:
    """The parameter that a constructor puts into an attribute."""
    values = class_.attributes.get(attribute, ())
    for parameter in init.parameters:
        chains = (f"%{parameter.name}", f"{parameter.annotation}()")
        if len(values) == 1 and values[0].kind == "name" and values[0].chain in chains:
            return parameter.name
    return ""


def _filling(call: Call, function: Function, parameter: str) -> str:
    """The chain of what a call fills a parameter with."""
    if call.is_open_ended:
        return ""
    filled = function.filled()
    argument: Argument = call.keyword(parameter)
    if not argument and parameter in filled:
        argument = call.argument(filled.index(parameter))
    return argument.chain if argument.kind == "name" else ""
