"""Statements by which a task takes what it works on, and leaves where another run has taken it before."""

from __future__ import annotations

import re
from collections.abc import Collection

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
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
_STORING = frozenset({"asave", "aupdate", "commit", "save", "update"})
_UPDATING = frozenset({"aupdate", "update"})
# What a function may call before it stores that it has begun: none of that is the work.
_ASIDE = frozenset(
    {"add", "debug", "flush", "info", "localtime", "log", "monotonic", "now", "perf_counter", "print"}
    | {"refresh_from_db", "time", "today", "utcnow", "uuid4", "warning"}
)
# What stands in a block of one of these is gone with the process that dies there.
_TRANSACTIONS = frozenset({"atomic", "begin", "begin_nested", "transaction"})
# A statement of SQL that changes a row only where something else is so besides: what it sets, and where.
_UPDATE = re.compile(r"\bupdate\b[\s\S]*?\bset\b([\s\S]*?)\bwhere\b([\s\S]*\band\b[\s\S]*)", re.IGNORECASE)
_SETS = re.compile(r"(\w+)\s*=\s*('[^']*'|[%:$\w.()]+)")
_ASKS = re.compile(r"(\w+)\s*(=|<>|!=|is\s+null|in\s*\()\s*('[^']*'[^)]*|[%:$\w.()]*)", re.IGNORECASE)


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
        flow = self.functions.of(module, function)
        chain = _asked(test)
        if not chain or _is_one_transaction(flow, test):
            return False
        calls = self.functions.calls(module, function)
        if chain.endswith(_ROWS):
            executed = chain.removesuffix(_ROWS).removesuffix("()")
            return any(
                call.chain == executed
                and self._claims_by_statement(calls, call)
                and (_is_committed(flow, calls, call) or _stores(flow, calls, test))
                for call in calls
            )
        made = chain.removesuffix("()")
        target = self.graph.target(module, made)
        if target is not None:
            return self._gives_a_claim(*target)
        return any(_is_claim(calls, call) for call in calls if call.chain == made) or (
            made.rpartition(".")[2] in _FETCHING
            and any(
                call.chain == made and _stores(flow, calls, test, _asks_for_waiting(calls, call))
                for call in calls
            )
        )

    def is_missed(self, module: Module, function: Function, handler: Step) -> bool:
        """Whether a handler is for a row that is not waiting any more: ``get(pk=pk, status="pending")``."""
        if not handler.chains or not all(chain.endswith(_MISSING) for chain in handler.chains):
            return False
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        if _is_one_transaction(flow, handler):
            return False
        tried = (
            inner for step in flow.body(flow.steps[handler.parent]) for inner in (step, *flow.below(step))
        )
        return any(
            calls[number].leaf() in _FETCHING
            and _stores(flow, calls, handler, _asks_for_waiting(calls, calls[number]))
            for step in tried
            for number in step.calls
        )

    def _gives_a_claim(self, module: Module, function: Function) -> bool:
        """Whether a function gives back whether it could take what it is asked for."""
        if not function.may_call(".update", ".execute") or function.is_generator:
            return False
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        claims = [
            call
            for call in calls
            if _is_claim(calls, call)
            or (self._claims_by_statement(calls, call) and _is_committed(flow, calls, call))
        ]
        steps = [step for call in claims if (step := flow.step_of(call)) is not None]
        names = {name for step in steps for name in step.stores}
        return any(
            step in steps or not names.isdisjoint(step.loads) for step in flow.steps if step.kind == "return"
        )

    def _claims_by_statement(self, calls: list[Call], call: Call) -> bool:
        """Whether a call executes a statement that changes a row only where another condition holds, too."""
        given = call.argument(0)
        if given.kind == "text":
            return _sets_what_it_asks(given.text)
        made = calls[given.number] if given.kind == "call" else None
        if made is None:
            return call.leaf() == "execute" and _updates(calls, given.chain)
        if made.leaf() == "text":
            return _sets_what_it_asks(made.argument(0).text)
        return _updates(calls, f"{made.chain}()")


def _is_one_transaction(flow: Flow, step: Step) -> bool:
    """Whether nothing is worked on after the transaction that a statement stands in has ended."""
    if any(decorator.chain.rpartition(".")[2] == "atomic" for decorator in flow.function.decorators):
        return True
    blocks = [outer for outer in flow.ancestors(step) if _is_transaction(outer)]
    if not blocks:
        return False
    return not any(leaf not in _ASIDE for later in flow.after(blocks[-1]) for leaf in _called(later))


def _is_transaction(step: Step) -> bool:
    return step.kind == "with" and any(
        chain.partition("=")[0].removesuffix("()").rpartition(".")[2] in _TRANSACTIONS
        for chain in step.chains
    )


def _called(step: Step) -> list[str]:
    """The last names of what the value of a statement is made by; it may be handed to others besides."""
    return [
        chain.removesuffix("()").rpartition(".")[2].lstrip("~:%")
        for chain in step.chains
        if chain[-2:] == "()"
    ]


def _is_committed(flow: Flow, calls: list[Call], call: Call) -> bool:
    """Whether what a call executes is stored before anything else is done."""
    step = flow.step_of(call)
    return step is not None and (
        any(map(_is_transaction, flow.ancestors(step))) or _stores(flow, calls, step)
    )


def _stores(flow: Flow, calls: list[Call], step: Step, states: Collection[str] | None = None) -> bool:
    """Whether the first thing that is done after a statement is to store, one of these states if any.

    What is stored only after the work leaves the row as it was where the process dies.
    """
    if states is not None and not states:
        return False
    for later in flow.after(step):
        for number in sorted(later.calls, reverse=True):  # what is made first has the higher number
            call = calls[number]
            if call.leaf() in _STORING:
                sets = {given.keyword for given in call.takes}
                return call.leaf() not in _UPDATING or states is None or not sets.isdisjoint(states)
            if call.leaf() not in _ASIDE | _SELECTING:
                return False
        if any(leaf not in _ASIDE | _STORING | _SELECTING for leaf in _called(later)):
            return False
        if not _STORING.isdisjoint(_called(later)):
            return True
    return False


def _sets_what_it_asks(statement: str) -> bool:
    """Whether what a statement of SQL sets is no more what it asks for: ``owner IS NULL``."""
    found = _UPDATE.search(statement)
    if found is None:
        return False
    sets = {name.lower(): value for name, value in _SETS.findall(found[1])}
    for name, way, value in _ASKS.findall(found[2]):
        new = sets.get(name.lower())
        if new is None:
            continue
        if way in ("<>", "!="):
            if new == value:
                return True
        elif way == "=":
            if new != value:
                return True
        elif new.lower() != "null" and (not value.startswith("'") or new[:1] == "'") and new not in value:
            return True
    return False


def _asked(test: Step) -> str:
    """What a test finds empty, or zero, as a chain; or nothing."""
    if test.asks_in_the_negative and len(test.chains) == 1:
        return test.value[1:]
    found = _NONE_CHANGED.match(test.value)
    return (found[1] or found[2]) if found is not None else ""


def _updates(calls: list[Call], chain: str) -> bool:
    """Whether a chain is an ``update`` of SQLAlchemy of a state, with two conditions."""
    if "update()" not in chain or ".where()" not in chain:
        return False
    given = [call.takes for call in calls if call.leaf() == "values" and chain.startswith(call.chain)]
    if not any(_STATES.match(value.keyword) for takes in given for value in takes):
        return False
    conditions = [
        len(call.positional) for call in calls if call.leaf() == "where" and chain.startswith(call.chain)
    ]
    return sum(conditions) > 1


def _is_claim(calls: list[Call], call: Call) -> bool:
    """Whether a call sets what the rows are chosen by: ``filter(status="new").update(status="begun")``."""
    if call.leaf() not in _UPDATING:
        return False
    sets = {given.keyword: given for given in call.takes}
    return any(
        name in sets and _excludes(sets[name], asked, lookup)
        for other in _before(calls, call)
        for asked in other.takes
        if _STATES.match(asked.keyword)
        for name, _, lookup in [asked.keyword.partition("__")]
    )


def _excludes(new: Argument, asked: Argument, lookup: str) -> bool:
    """Whether a row that has the new value is certainly none that is asked for."""
    if lookup == "isnull":
        return not new.is_none if asked.is_true else asked.is_false and new.is_none
    if lookup not in ("", "exact", "iexact"):
        return False
    if asked.is_none or new.is_none:
        return not (asked.is_none and new.is_none)
    old, value = asked.text or asked.chain, new.text or new.chain
    if not old or not value or asked.local or new.local:
        return (asked.is_false and not new.is_false) or (asked.is_true and new.is_false)
    return old.rpartition(".")[2].lower() != value.rpartition(".")[2].lower()


def _asks_for_waiting(calls: list[Call], call: Call) -> set[str]:
    """The states that are asked for, where a row has one that says that it waits."""
    return {
        given.keyword.partition("__")[0]
        for other in (call, *_before(calls, call))
        for given in other.takes
        if _STATES.match(given.keyword) and _WAITING.search(given.text or given.chain)
    }


def _before(calls: list[Call], call: Call) -> list[Call]:
    """The calls whose value a call is made of: of ``a.filter().update()`` the ``a.filter``."""
    return [
        other
        for other in calls
        if other.leaf() in _SELECTING
        and call.chain.startswith(f"{other.chain}().")
        and other.span <= call.span
    ]
