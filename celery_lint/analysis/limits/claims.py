"""Statements by which a task takes what it works on, and leaves where another run has taken it before."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

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
_SELECTING = frozenset({"aget", "filter", "filter_by", "get", "where"})
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
                and self._claims_by_statement(module, calls, call)
                and (self._is_committed(module, flow, calls, call) or self._stores(module, flow, calls, test))
                for call in calls
            )
        made = chain.removesuffix("()")
        target = self.graph.target(module, made)
        if target is not None:
            return self._gives_a_claim(*target)
        return any(
            self._is_claim(module, call) and self._is_lasting(module, flow, calls, call)
            for call in calls
            if call.chain == made
        ) or (
            made.rpartition(".")[2] in _FETCHING
            and any(
                call.chain == made and self._stores(module, flow, calls, test, _asks_for_waiting(call))
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
            and self._stores(module, flow, calls, handler, _asks_for_waiting(calls[number]))
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
            if (self._is_claim(module, call) and self._is_lasting(module, flow, calls, call))
            or (
                self._claims_by_statement(module, calls, call)
                and self._is_committed(module, flow, calls, call)
            )
        ]
        steps = [step for call in claims if (step := flow.step_of(call)) is not None]
        names = {name for step in steps for name in step.stores}
        return any(
            step in steps or not names.isdisjoint(step.loads) for step in flow.steps if step.kind == "return"
        )

    def _claims_by_statement(self, module: Module, calls: list[Call], call: Call) -> bool:
        """Whether a call executes a statement that changes a row only where another condition holds, too."""
        given = call.argument(0)
        if given.kind == "text":
            return _sets_what_it_asks(given.text)
        made = calls[given.number] if given.kind == "call" else None
        if made is None:
            return call.leaf() == "execute" and self._updates(module, calls, None, given.chain)
        if made.leaf() == "text":
            return _sets_what_it_asks(made.argument(0).text)
        return self._updates(module, calls, made, f"{made.chain}()")

    def _is_lasting(self, module: Module, flow: Flow, calls: list[Call], call: Call) -> bool:
        """Whether an update of rows is stored before anything else is done: at once by Django."""
        return "query" not in call.chain or self._is_committed(module, flow, calls, call)

    def _is_committed(self, module: Module, flow: Flow, calls: list[Call], call: Call) -> bool:
        """Whether what a call executes is stored before anything else is done."""
        step = flow.step_of(call)
        return step is not None and (
            any(map(_is_transaction, flow.ancestors(step))) or self._stores(module, flow, calls, step)
        )

    def _stores(
        self, module: Module, flow: Flow, calls: list[Call], step: Step, states: Collection[str] | None = None
    ) -> bool:
        """Whether the first thing that is done after a statement is to store, one of these states if any.

        What is stored only after the work leaves the row as it was where the process dies.
        """
        if states is not None and not states:
            return False
        return self._begins_by_storing(module, flow.after(step), calls, states)

    def _begins_by_storing(
        self, module: Module, steps: Iterable[Step], calls: list[Call], states: Collection[str] | None = None
    ) -> bool:
        for step in steps:
            for number in sorted(step.calls, reverse=True):  # what is made first has the higher number
                call = calls[number]
                if call.leaf() in _STORING:
                    sets = {given.keyword for given in call.sets}
                    return call.leaf() not in _UPDATING or states is None or not sets.isdisjoint(states)
                if call.leaf() not in _ASIDE | _SELECTING:
                    return self.stores_by_method(module, calls, call)
            if any(leaf not in _ASIDE | _STORING | _SELECTING for leaf in _called(step)):
                return False
            if not _STORING.isdisjoint(_called(step)):
                return True
        return False

    def stores_by_method(self, module: Module, calls: list[Call], call: Call) -> bool:
        """Whether a call is of a function that stores a state first of all: ``job.mark_running()``."""
        if call.leaf() in _STORING | _ASIDE | _SELECTING:
            return False
        target = self.graph.target(module, call.chain)
        if target is None:
            target = next(
                (
                    found
                    for chain in _classes(calls, call)
                    if (found := self.graph.target(module, f"{chain}().{call.leaf()}")) is not None
                ),
                None,
            )
        return target is not None and self._stores_first(*target)

    def _stores_first(self, module: Module, method: Function) -> bool:
        if not method.may_call(*(f".{name}" for name in _STORING)):
            return False
        flow = self.functions.of(module, method)
        return self._begins_by_storing(module, flow.body(), self.functions.calls(module, method))

    def _is_claim(self, module: Module, call: Call) -> bool:
        """Whether a call sets what it chooses rows by: ``filter(status="new").update(status="begun")``."""
        return call.leaf() in _UPDATING and self._takes_from_others(module, call.sets, call.asks)

    def _updates(self, module: Module, calls: list[Call], made: Call | None, chain: str) -> bool:
        """Whether an ``update`` of SQLAlchemy sets a state to another than that which it asks for.

        Where a name has the statement, each that is spelled like it does.
        """
        if "update()" not in chain or ".where()" not in chain:
            return False
        parts: dict[tuple[int, int], list[Call]] = {}
        for call in calls:
            if call.leaf() in ("values", "where") and chain.startswith(f"{call.chain}()"):
                parts.setdefault(_begin(call), []).append(call)
        if made is not None:
            parts = {_begin(made): parts.get(_begin(made), [])}
        return bool(parts) and all(
            self._takes_from_others(
                module,
                [given for call in each for given in call.sets if call.leaf() == "values"],
                [given for call in each for given in call.asks],
            )
            for each in parts.values()
        )

    def _takes_from_others(self, module: Module, sets: list[Argument], asks: list[Argument]) -> bool:
        """Whether no row that was given this is asked for again."""
        given = {each.keyword: each for each in sets}
        among: dict[tuple[str, str], list[Argument]] = {}
        for asked in asks:
            name, _, lookup = asked.keyword.partition("__")
            if name in given and _STATES.match(name):
                among.setdefault((name, lookup), []).append(asked)
        return any(
            all(_excludes(given[name], asked, "") for asked in items)
            if lookup == "in"
            else any(self._excludes(module, given[name], asked, lookup) for asked in items)
            for (name, lookup), items in among.items()
        )

    def _excludes(self, module: Module, new: Argument, asked: Argument, lookup: str) -> bool:
        if lookup != "among":
            return _excludes(new, asked, lookup)
        listed = self.project.resolve(module, asked.chain).value if asked.chain else None
        if listed is None or listed.kind != "sequence":
            return False
        return bool(listed.items) and all(
            _excludes(new, Argument("", "name" if item.chain else "text", item.chain, data=item.data), "")
            for item in listed.items
        )


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


def _classes(calls: list[Call], call: Call) -> Iterator[str]:
    """What may be the class of the object that a call is of: ``Job`` of ``session.get(Job, pk).start``."""
    parts = call.chain.partition("()")[0].split(".")
    for number in range(1, len(parts)):
        if parts[number - 1].lstrip(":")[:1].isupper():
            yield ".".join(parts[:number])
    for other in calls:
        if call.chain.startswith(f"{other.chain}()."):
            yield from (chain for chain in other.named[:1] if chain[:1] != "%")


def _begin(call: Call) -> tuple[int, int]:
    """Where a statement begins that is put together by several calls."""
    return call.span.line, call.span.column


def _excludes(new: Argument, asked: Argument, lookup: str) -> bool:
    """Whether a row that has the new value is certainly none that is asked for."""
    if lookup == "isnull":
        return not new.is_none if asked.is_true else asked.is_false and new.is_none
    if lookup == "ne":
        return new.same(asked._replace(keyword=new.keyword)) and bool(new.text or new.chain)
    if lookup not in ("", "exact", "iexact"):
        return False
    if asked.is_none or new.is_none:
        return not (asked.is_none and new.is_none)
    old, value = asked.text or asked.chain, new.text or new.chain
    if not old or not value or asked.local or new.local:
        return (asked.is_false and not new.is_false) or (asked.is_true and new.is_false)
    return old.rpartition(".")[2].lower() != value.rpartition(".")[2].lower()


def _asks_for_waiting(call: Call) -> set[str]:
    """The states that are asked for, where a row has one that says that it waits, or one of such."""
    waits: dict[str, bool] = {}
    for given in call.asks:
        name, _, lookup = given.keyword.partition("__")
        if _STATES.match(name) and lookup in ("", "exact", "iexact", "in"):
            waits[name] = waits.get(name, True) and bool(_WAITING.search(given.text or given.chain))
    return {name for name, all_wait in waits.items() if all_wait}
