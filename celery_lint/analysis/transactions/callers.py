"""Who calls a function with its session, and commits that after the call."""

from __future__ import annotations

from celery_lint.analysis.transactions.committing import Committing, commit_after
from celery_lint.analysis.transactions.made_rows import GivenSession, filling, kept_parameter
from celery_lint.inventory.code.called import calls_of
from celery_lint.inventory.code.decided.given import given_by, is_closed
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.steps import Step
from celery_lint.project.known import Known

_DEEPEST = 3
_UNKNOWN = GivenSession("", None)


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
        for home, caller, call in calls_of(self.project, module, function):
            step = self.functions.of(home, caller).step_of(call)
            if step is None or call.in_lambda or (function.is_async and not call.is_awaited):
                continue
            if is_closed(flow, sent, given_by(call, function, flow, ())):
                continue
            if parameter:
                held = GivenSession(filling(call, function, parameter), step)
            else:
                held = self._held(module, function, attribute, home, caller, call)
            found = self._behind(home, caller, held, step, depth) if held.chain else None
            if found is not None:
                return found
        return None

    def _behind(
        self, module: Module, caller: Function, held: GivenSession, step: Step, depth: int
    ) -> tuple[Place, bool] | None:
        """What commits this session after a statement: below it, at the end of a block, or in a caller."""
        flow, session, given = self.functions.of(module, caller), held.chain, held.step or step
        later = commit_after(flow, self.functions.calls(module, caller), session, given, step)
        if later is not None:
            return module.place(later.span), False
        ended = self.committing.around(module, caller, session, given, step)
        if ended is not None:
            return ended, True
        return self.commit(module, caller, session, given, step, depth - 1)

    def parameter(self, function: Function, session: str, step: Step) -> str:
        """The parameter that a session is, which a statement uses."""
        for parameter in function.parameters:
            chains = (f"%{parameter.name}", f"{parameter.annotation}()")
            if parameter.name in step.loads and session in chains:
                return parameter.name
        return ""

    def _held(
        self, module: Module, function: Function, attribute: str, home: Module, caller: Function, call: Call
    ) -> GivenSession:
        """The session that an object has in an attribute, as its caller knows it; its chain may be empty."""
        owner = call.chain.rpartition(".")[0]
        if home is module and owner == f":{caller.owner}()" and caller.owner == function.owner:
            return GivenSession(f"{owner}.{attribute}", None)  # of the same object
        class_ = module.classes.get(function.owner)
        init = module.functions.get(f"{function.owner}.__init__")
        if class_ is None or init is None or not owner.endswith("()"):
            return _UNKNOWN
        parameter = kept_parameter(class_, init, attribute)
        made = [each for each in self.functions.calls(home, caller) if f"{each.chain}()" == owner]
        held = {filling(each, init, parameter) for each in made} if parameter else set()
        if len(held) != 1:
            return _UNKNOWN
        return GivenSession(held.pop(), self.functions.of(home, caller).step_of(made[0]))
