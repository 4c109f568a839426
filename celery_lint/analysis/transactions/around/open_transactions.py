"""Transactions that are open when a function is called: of its callers, or of the request that it serves."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.around.atomic_requests import AtomicRequests
from celery_lint.analysis.transactions.transactions import Transaction, Transactions
from celery_lint.inventory.code.called import calls_of
from celery_lint.inventory.code.decided.given import given_by, is_closed
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_DEEPEST = 3
_KEYS = ("id", "pk", "uuid")
# Asks whether a transaction is open: whoever does sends at another time then.
_ASKING = "in_atomic_block"


class Caller(NamedTuple):
    """A call of a function by another of the product: who makes it, and the statement that it stands in."""

    module: Module
    function: Function
    call: Call
    step: Step


class OpenTransactions:
    """The transactions around calls."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.transactions = known.of(Transactions)
        self.requests = known.of(AtomicRequests)

    def around(
        self, module: Module, function: Function, step: Step, depth: int = _DEEPEST
    ) -> Transaction | None:
        """The transaction that a statement stands in when a request or a caller comes to it.

        Of the first caller that certainly has one: one is enough.
        """
        own = self.transactions.around(module, function, step)
        if own is not None or function.states(_ASKING) or function.mentions(_ASKING):
            return own
        if self.requests.is_view(module, function) and self.requests.in_force is not None:
            return Transaction(self.requests.in_force, None, True)
        for caller in self.callers(module, function, step) if depth else ():
            found = self.around(caller.module, caller.function, caller.step, depth - 1)
            if found is not None:
                return found._replace(opened=None)
        return None

    def callers(self, module: Module, function: Function, step: Step) -> Iterator[Caller]:
        """The calls of a function that may come to one of its statements, there and then."""
        if not function.name or "/" in function.qualname or function.is_generator:
            return
        flow = self.functions.of(module, function)
        for home, caller, call in calls_of(self.project, module, function):
            stands = self.functions.of(home, caller).step_of(call)
            if stands is None or call.in_lambda or call.is_awaited != function.is_async:
                continue
            if not is_closed(flow, step, given_by(call, function, flow, ())):
                yield Caller(home, caller, call, stands)

    def gives(self, caller: Caller, way: Caller, parameters: set[str]) -> set[str]:
        """The variables of a caller that fill one of these parameters: a row, or its key.

        ``way`` is the call of the function, or the one that it makes in turn with these parameters.
        """
        filled = way.function.filled()
        found: set[str] = set()
        calls = self.functions.calls(caller.module, caller.function)
        flow = self.functions.of(caller.module, caller.function)
        for parameter in parameters:
            given = caller.call.keyword(parameter)
            if not given and parameter in filled:
                given = caller.call.argument(filled.index(parameter))
            while given.kind == "call" and calls[given.number].leaf() in ("~str", "~int"):
                given = calls[given.number].argument(0)
            keys = () if self._is_row(way, parameter) else _KEYS
            found.update(_variables(flow, caller.step, given, keys))
        return found

    def _is_row(self, way: Caller, parameter: str) -> bool:
        """Whether a statement asks a parameter for something: no key has that."""
        calls = self.functions.calls(way.module, way.function)
        given = [each for number in way.step.calls for each in calls[number].takes]
        return any(each.chain.startswith(f"%{parameter}.") for each in given)


def _variables(flow: Flow, step: Step, given: Argument, keys: tuple[str, ...]) -> Iterator[str]:
    """The variables of a statement that an argument is, or is such an attribute of."""
    for name in step.loads if given.kind == "name" else ():
        chains = {f"%{name}", *(each.value for each in flow.steps if name in each.stores and each.value)}
        if any(given.chain in (chain, *(f"{chain}.{key}" for key in keys)) for chain in chains):
            yield name
