"""What a database may refuse for the sake of what it is given, and how such a failure arrives.

A statement by key, a read, a status that is a constant: these fail only where the server is gone, and then
nothing that a handler does saves anything. A row that was added, an attribute that is set from data, an
``INSERT`` may break a constraint, be too long or of another type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from celery_lint.analysis.resources.sessions.composed_texts import ComposedTexts
from celery_lint.analysis.resources.sessions.plain_values import (
    is_plain_argument,
    is_plain_row,
    is_there_already,
    sets_plain,
)
from celery_lint.analysis.resources.sessions.undone import is_undone_between
from celery_lint.inventory.code.decided.given import Given, constants_in, given_by, is_closed
from celery_lint.inventory.code.ends.unreached import Unreached
from celery_lint.inventory.code.graph import DEPTH, CallGraph
from celery_lint.libraries.sqlalchemy import SELECTS
from celery_lint.model.calls import Call
from celery_lint.model.commands import Deployment
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_FLUSHING = frozenset({"commit", "flush"})
# What is noted, and sent with the next flush.
_NOTING = frozenset({"add", "add_all", "delete", "merge"})
_AT_ONCE = frozenset(
    {
        "bulk_insert_mappings",
        "bulk_save_objects",
    }
)
# What writes or reads, as its statement says.
_EXECUTING = frozenset({"execute", "exec"})
# What asks the database for rows.
_ASKING = frozenset({"execute", "exec", "get", "query", "scalar", "scalars"})
_GIVING = frozenset({"all", "count", "first", "get", "one", "one_or_none", "scalar"})
_LEAVES = tuple(f".{leaf}" for leaf in sorted(_FLUSHING | _NOTING | _AT_ONCE | _EXECUTING | _ASKING))
_CHANGING = ("insert", "update", "delete")
_CHANGES = tuple(
    f"sqlalchemy.{module}{name}"
    for module in (
        "",
        "sql.",
        "sql.expression.",
        "dialects.postgresql.",
        "dialects.mysql.",
        "dialects.sqlite.",
    )
    for name in _CHANGING
)
_CONTAINERS = frozenset(
    {"{", "[", "~dict()", "~list()", "collections.defaultdict()", "collections.Counter()"}
)
_LOOPS = ("for", "while")
# Of a function with more of them the first ones tell enough.
_MANY = 20
# Words in the names of what is installed: PostgreSQL, and what speaks its language, ends a transaction with
# its first failed statement. After one, SQLite goes on, and so does MySQL, but for a deadlock.
_ENDING = ("asyncpg", "pg8000", "postgres", "psycopg")
_GOING_ON = ("aiosqlite", "asyncmy", "mysql")


class Writes(NamedTuple):
    """What may leave some code as the failure of a write.

    ``refused``: a flush of content that the database may refuse. ``flushes``: a flush of whatever there is.
    ``adds``: rows that are added or deleted, ``fills``: attributes that are set from data; both wait for a
    flush. ``executes``: a statement that writes what may be refused. ``commits``: some of it is committed.
    ``asks``: a query, before which most sessions send what waits; ``refused_if_sent``: what the database may
    refuse is sent so.
    """

    refused: bool = False
    flushes: bool = False
    adds: bool = False
    fills: bool = False
    executes: bool = False
    commits: bool = False
    asks: bool = False
    refused_if_sent: bool = False

    @property
    def waits(self) -> bool:
        """There is content that the next flush sends."""
        return self.adds or self.fills

    @property
    def noted(self) -> Writes:
        """What of it waits for a flush."""
        return Writes(adds=self.adds, fills=self.fills)


NOTHING = Writes()

Event = tuple[Step, Writes]
"""A statement, and what it does."""

Arrives = Callable[[Module, Flow, Step], bool]
"""Whether what a statement raises leaves its function."""


class Refusals:
    """What functions write, as far as its failure leaves them."""

    def __init__(self, known: Known, arrives: Arrives) -> None:
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.unreached = known.of(Unreached)
        self.texts = ComposedTexts(known.project)
        self.arrives = arrives
        self.statements_end_it = not _goes_on(known.project.deployment)
        self._known: dict[tuple[str, str, Given, int], Writes] = {}

    def failing(self, flow: Flow, events: Iterable[Event]) -> Writes:
        """What several statements of a function do together that may end the transaction."""
        done = joined(flow, events)
        return done if self.statements_end_it else done._replace(executes=False)

    def on_session(self, flow: Flow, call: Call, calls: Sequence[Call]) -> Writes:
        """What a call of a method of a session writes."""
        leaf = call.leaf()
        if leaf in _FLUSHING:
            if self._is_of_first_run(flow, call, calls):
                return NOTHING
            return Writes(flushes=True, commits=leaf == "commit")
        if leaf in _NOTING:
            return Writes(adds=not (is_there_already(flow, call) or is_plain_row(flow, call, calls)))
        if leaf in _AT_ONCE:
            return Writes(refused=True)
        if leaf in _ASKING and _is_query(call, calls):
            return Writes(asks=True)
        return Writes(executes=leaf in _EXECUTING and _may_be_refused(call, calls))

    def _is_of_first_run(self, flow: Flow, call: Call, calls: Sequence[Call]) -> bool:
        """Whether a flush stands in a branch that makes a row of constants, as only the first run does."""
        step = flow.step_of(call)
        test = flow.steps[step.parent] if step is not None and step.parent >= 0 else None
        if step is None or test is None or test.kind != "if":
            return False
        block = flow.body(test, step.role)
        noting = [each for one in block for each in (calls[n] for n in one.calls) if each.leaf() in _NOTING]
        return (
            noting != []
            and all(is_plain_row(flow, each, calls) for each in noting)
            and not any(self.fills(None, flow, one, calls) for one in block)
        )

    def fills(self, module: Module | None, flow: Flow, step: Step, calls: Sequence[Call]) -> bool:
        """Whether a statement sets an attribute of something that may be a row from data."""
        if step.kind == "assign" and not step.stores:
            if sets_plain(step, calls) or _is_container(flow, (*step.loads, "")[0]):
                return False
            return module is None or not self.texts.are_set(module, flow, step, calls)
        return step.kind == "expr" and step.value == "~setattr()"

    def of(self, module: Module, function: Function, given: Given, depth: int = DEPTH) -> Writes:
        """What a function writes that is given these values."""
        key = (module.path, function.qualname, given, depth)
        known = self._known.get(key)
        if known is None:
            self._known[key] = NOTHING  # a function that calls itself
            known = self._known[key] = self._find(module, function, given, depth)
        return known

    def called(self, module: Module, call: Call, flow_given: Given = ()) -> Writes:
        """What the function of the project writes that a call runs."""
        target = self.graph.target(module, call.chain)
        if target is None:
            return NOTHING
        return self.of(*target, given_by(call, target[1], self.functions.of(*target), flow_given))

    def _find(self, module: Module, function: Function, given: Given, depth: int) -> Writes:
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        events: list[Event] = []
        # An object that is made fills itself; what it writes later is asked of its other methods.
        fills = function.name != "__init__"
        by_step: dict[int, list[Writes]] = {}
        if function.may_call(*_LEAVES):
            sessions = {call.chain.rpartition(".")[0] for call in calls if _is_of_session(call)}
            for call in calls:
                if call.leaf() in _NOTING and call.chain.rpartition(".")[0] not in sessions:
                    continue  # `seen.add(row)`
                self._note(flow, call, self.on_session(flow, call, calls), by_step)
        for callee in self.graph.callees(module, function) if depth else ():
            inner = self.functions.of(callee.module, callee.function)
            handed = given_by(callee.call, callee.function, inner, given) if callee.is_called else ()
            self._note(flow, callee.call, self.of(callee.module, callee.function, handed, depth - 1), by_step)
        never = self.unreached.given(module, function, constants_in(given))
        for step in flow.steps:
            done = by_step.get(step.number, []) if step.number not in never else []
            if step.number not in never and fills and self.fills(module, flow, step, calls):
                done.append(Writes(fills=True))
            if done and not (given and is_closed(flow, step, given)) and self.arrives(module, flow, step):
                events += [(step, writes) for writes in done]
        return joined(flow, events)

    def _note(self, flow: Flow, call: Call, writes: Writes, by_step: dict[int, list[Writes]]) -> None:
        step = flow.step_of(call) if writes != NOTHING else None
        if step is not None:
            by_step.setdefault(step.number, []).append(writes)


def _goes_on(deployment: Deployment) -> bool:
    """Whether what a project installs is for databases alone that go on after a failed statement."""
    names = (deployment.unlisted.installs or frozenset()) | (deployment.packages or frozenset())
    going_on = any(word in name for name in names for word in _GOING_ON)
    return going_on and not any(word in name for name in names for word in _ENDING)


def joined(flow: Flow, events: Iterable[Event]) -> Writes:
    """What several statements of a function do together: what is added is refused where it is flushed."""
    events = list(events)
    flushing = [event for event in events if event[1].flushes][:_MANY]
    asking = [step for step, writes in events if writes.asks][:_MANY]
    waiting = [event for event in events if event[1].waits][:_MANY]
    added = [step for step, writes in events if writes.adds][:_MANY]
    done = [writes for _, writes in events]
    return Writes(
        any(writes.refused for writes in done)
        or any(_is_flushed_by(flow, one, other) for one in waiting for other in flushing),
        any(writes.flushes for writes in done),
        any(writes.adds for writes in done),
        any(writes.fills for writes in done),
        any(writes.executes for writes in done),
        any(writes.commits for writes in done),
        any(writes.asks for writes in done),
        any(writes.refused_if_sent for writes in done)
        or any(_comes_to(flow, one, other) for one in added for other in asking),
    )


def are_apart(flow: Flow, one: Step, other: Step) -> bool:
    """Whether two statements stand in different branches."""
    branches = {}
    for step in (one, *flow.ancestors(one)):
        branches[step.parent] = step.role
    for step in (other, *flow.ancestors(other)):
        if step.parent in branches:
            return step.parent >= 0 and branches[step.parent] != step.role
    return False


def _is_flushed_by(flow: Flow, one: Event, other: Event) -> bool:
    """Whether what one statement leaves waiting may be flushed by another.

    What a function has flushed itself, and what of that may be refused, is known: only in a loop does it run
    again.
    """
    if one is other:
        return any(step.kind in _LOOPS for step in flow.ancestors(one[0]))
    return _comes_to(flow, one[0], other[0])


def _comes_to(flow: Flow, one: Step, other: Step) -> bool:
    """Whether one statement may be followed by another."""
    if one.number == other.number:
        return True
    if one.number < other.number:
        return not are_apart(flow, one, other) and not is_undone_between(flow, one, other)
    loops = {step.number for step in flow.ancestors(one) if step.kind in _LOOPS}
    return any(step.number in loops for step in flow.ancestors(other))


def _is_container(flow: Flow, name: str) -> bool:
    """Whether a variable holds a dictionary or a list that the function makes."""
    made = [step for step in flow.steps if name in step.stores and step.kind in ("assign", "for")]
    return bool(made) and all(step.value in _CONTAINERS for step in made)


def _is_of_session(call: Call) -> bool:
    """Whether a call tells that its receiver is a session, or is named as one."""
    receiver = call.chain.rpartition(".")[0]
    return (
        call.leaf() in _FLUSHING | _EXECUTING | {"add_all", "refresh", "scalar", "scalars"}
        or receiver.endswith(("session", "Session()"))
        or receiver.rpartition(".")[2].lstrip("%_") == "db"
    )


def _is_query(call: Call, calls: Sequence[Call]) -> bool:
    """Whether what a session is asked for is seen to be rows."""
    if call.leaf() == "get":  # and none of a dictionary: `options.get("url")`
        entity = call.argument(0, "entity")
        return bool(entity) and entity.kind not in ("constant", "text") and bool(call.argument(1, "ident"))
    if call.leaf() == "query":
        return any(
            each.leaf() in _GIVING
            and each.chain.startswith(f"{call.chain}().")
            and each.span.start == call.span.start
            for each in calls
        )
    statement = call.argument(0, "statement")
    chain = calls[statement.number].chain if statement.kind == "call" else statement.chain
    return chain.startswith(SELECTS)


def _may_be_refused(call: Call, calls: Sequence[Call]) -> bool:
    """Whether what is executed is seen to write, and more than constants."""
    statement = call.argument(0, "statement")
    made = calls[statement.number] if statement.kind == "call" else None
    if made is None:
        return statement.chain.startswith(_CHANGES)
    if made.leaf() == "text":
        text = made.argument(0).text.lstrip().lower()
        sets = text.partition(" where ")[0]
        return text.startswith(_CHANGING) and (":" in sets or not text.startswith("update"))
    if not made.chain.startswith(_CHANGES):
        return False
    constant = made.leaf() == "values" and made.takes and ".update()" in made.chain
    return not constant or not all(is_plain_argument(given, calls) for given in made.takes)
