"""Statements by which a task takes what it works on, and leaves where another run has taken it before."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.known import Known

# Nothing was changed, as a test says it: `=…update():#0`, `=!…rowcount:#1`.
_NONE_CHANGED = re.compile(r"^=(.+):#0$|^=!(.+):#1$")
_ROWS = ".rowcount"
# What a condition may ask for besides the row itself: `status`, `status__in`, `locked_at__isnull`.
_STATES = re.compile(r"^(?:\w+_)?(?:claimed|locked|picked|started|state|status)(?:_(?:at|by))?(?:__\w+)?$")
_WAITING = re.compile(
    r"(?:^|[.:_])(?:created|new|open|pending|queued|ready|scheduled|waiting)$", re.IGNORECASE
)
# What is raised where there is no such row.
_MISSING = ("DoesNotExist", "NoResultFound")
# The row is asked for by such a condition, and there is none.
_FETCHING = frozenset({"aget", "first", "get", "last", "one", "one_or_none", "scalar_one_or_none"})
_SELECTING = frozenset({"aget", "filter", "filter_by", "get"})
_STORING = (".commit", ".save", ".update", ".asave", ".aupdate")
# A statement of SQL that sets something only where something else is so besides.
_UPDATE = re.compile(r"\bupdate\b[\s\S]*\bset\b[\s\S]*\bwhere\b[\s\S]*\band\b", re.IGNORECASE)


class Claims:
    """Where runs of a task find that another one has begun with the same."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    def is_refused(self, module: Module, function: Function, test: Step) -> bool:
        """Whether a test holds where what the function would work on is taken.

        ``Job.objects.filter(pk=pk, status="pending").update(status="running")`` has changed no row, a
        statement with such a condition none, or no row is waiting any more, and the function stores that it
        takes the one that is. What is done in one transaction with the whole work is gone with the process.
        """
        if _is_one_transaction(function):
            return False
        chain = _asked(test)
        if not chain:
            return False
        calls = self.functions.calls(module, function)
        if chain.endswith(_ROWS):
            executed = chain.removesuffix(_ROWS).removesuffix("()")
            return any(self._claims_by_statement(calls, call) for call in calls if call.chain == executed)
        made = chain.removesuffix("()")
        target = self.graph.target(module, made)
        if target is not None:
            return self._gives_a_claim(*target)
        return any(_is_claim(calls, call) for call in calls if call.chain == made) or (
            made.rpartition(".")[2] in _FETCHING
            and function.may_call(*_STORING)
            and any(call.chain == made and _asks_for_waiting(calls, call) for call in calls)
        )

    def is_missed(self, module: Module, function: Function, handler: Step) -> bool:
        """Whether a handler is for a row that is not waiting any more: ``get(pk=pk, status="pending")``."""
        if _is_one_transaction(function) or not function.may_call(*_STORING) or not handler.chains:
            return False
        if not all(chain.endswith(_MISSING) for chain in handler.chains):
            return False
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        tried = (
            inner for step in flow.body(flow.steps[handler.parent]) for inner in (step, *flow.below(step))
        )
        return any(
            calls[number].leaf() in _FETCHING and _asks_for_waiting(calls, calls[number])
            for step in tried
            for number in step.calls
        )

    def _gives_a_claim(self, module: Module, function: Function) -> bool:
        """Whether a function gives back whether it could take what it is asked for."""
        if not function.may_call(".update", ".execute") or function.is_generator:
            return False
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        claims = [call for call in calls if _is_claim(calls, call) or self._claims_by_statement(calls, call)]
        steps = [step for call in claims if (step := flow.step_of(call)) is not None]
        names = {name for step in steps for name in step.stores}
        return any(
            step in steps or not names.isdisjoint(step.loads) for step in flow.steps if step.kind == "return"
        )

    def _claims_by_statement(self, calls: list[Call], call: Call) -> bool:
        """Whether a call executes a statement that changes a row only where another condition holds, too."""
        given = call.argument(0)
        if given.kind == "text":
            return _UPDATE.search(given.text) is not None
        made = calls[given.number] if given.kind == "call" else None
        if made is None:
            return call.leaf() == "execute" and _updates(calls, given.chain)
        if made.leaf() == "text":
            return _UPDATE.search(made.argument(0).text) is not None
        return _updates(calls, f"{made.chain}()")


def _is_one_transaction(function: Function) -> bool:
    return any(decorator.chain.rpartition(".")[2] == "atomic" for decorator in function.decorators)


def _asked(test: Step) -> str:
    """What a test finds empty, or zero, as a chain; or nothing."""
    if test.asks_in_the_negative and len(test.chains) == 1:
        return test.value[1:]
    found = _NONE_CHANGED.match(test.value)
    return (found[1] or found[2]) if found is not None else ""


def _updates(calls: list[Call], chain: str) -> bool:
    """Whether a chain is an ``update`` of SQLAlchemy with two conditions."""
    if "update()" not in chain or ".where()" not in chain:
        return False
    conditions = [
        len(call.positional) for call in calls if call.leaf() == "where" and chain.startswith(call.chain)
    ]
    return sum(conditions) > 1


def _is_claim(calls: list[Call], call: Call) -> bool:
    """Whether a call sets what the rows are chosen by: ``filter(status="new").update(status="begun")``."""
    if call.leaf() not in ("update", "aupdate"):
        return False
    sets = {given.keyword for given in call.takes}
    return any(asked.partition("__")[0] in sets for asked in _conditions(calls, call))


def _asks_for_waiting(calls: list[Call], call: Call) -> bool:
    return any(
        _STATES.match(given.keyword) and _WAITING.search(given.text or given.chain)
        for other in (call, *_before(calls, call))
        for given in other.takes
    )


def _conditions(calls: list[Call], call: Call) -> Iterator[str]:
    for other in _before(calls, call):
        yield from (given.keyword for given in other.takes if _STATES.match(given.keyword))


def _before(calls: list[Call], call: Call) -> list[Call]:
    """The calls whose value a call is made of: of ``a.filter().update()`` the ``a.filter``."""
    return [
        other
        for other in calls
        if other.leaf() in _SELECTING
        and call.chain.startswith(f"{other.chain}().")
        and other.span <= call.span
    ]
