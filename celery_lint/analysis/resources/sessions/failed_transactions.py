"""Sessions whose transaction may have failed, and that are used before anybody rolls them back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.analysis.resources.sessions.session_flow import HARMLESS, WORK, SessionFlow, View
from celery_lint.inventory.code.given import Given, given_by, is_closed
from celery_lint.inventory.code.graph import DEPTH, CallGraph
from celery_lint.inventory.resources.sessions import SessionName
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

# Exceptions by which a failed statement or flush arrives.
_CAUGHT = frozenset({"~Exception", "~BaseException"})
_ERRORS = "sqlalchemy.exc."
# Methods that only note what a later flush will do: they raise nothing.
_NOTING = frozenset({"add", "add_all", "delete"})
# What fails for the sake of what it writes. A read fails only where the connection is lost.
_WRITING = frozenset({"bulk_insert_mappings", "bulk_save_objects", "commit", "flush", "merge"})
_TALKING = tuple(f".{leaf}" for leaf in sorted(WORK - {"add", "add_all", "delete", "get"}))
_WRITING_LEAVES = tuple(f".{leaf}" for leaf in sorted(_WRITING))
# What writes or reads, as its statement says.
_EXECUTING = frozenset({"execute", "exec"})
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
# Statements by which a handler ends what the session is used for.
_LEAVING = frozenset({"raise", "return", "break"})


class SessionAfterFailure(NamedTuple):
    """A use of a session after the ``try`` that may have broken it, and before its rollback.

    ``place`` is the use in the ``except`` clause; where that clause does nothing with the session, the
    clause, and ``later`` the use that comes next. ``maker`` is what the session comes from.
    """

    place: Place
    name: str
    attempt: Place
    is_async: bool
    later: Place | None
    maker: str


class _Held(NamedTuple):
    """A session, the names that hold it or an object made with it, and the chains of those objects."""

    session: SessionName
    names: frozenset[str]
    owners: frozenset[str]

    def is_in(self, step: Step) -> bool:
        """Whether a statement reads one of the names."""
        return not self.names.isdisjoint(step.loads)


class FailedTransactions:
    """What is done with sessions after an error that nobody rolled back."""

    def __init__(self, known: Known) -> None:
        self.session_flow = known.of(SessionFlow)
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self._writing: dict[tuple[str, str, Given, int], bool] = {}

    @facts
    def used(self) -> list[SessionAfterFailure]:
        """The uses of a session in an ``except`` and after it that come before its rollback."""
        found: list[SessionAfterFailure] = []
        for view, sessions in self._views():
            for handler in view.flow.steps if sessions else ():
                if handler.kind == "handler" and self._catches_failures(view.module, handler):
                    for held in sessions:
                        found += self._after_failure(view, handler, held)
        # A rollback in the clause around another mends what follows that one, too.
        mended = {use.place for use in found if use.later is None}
        return [use for use in found if use.later not in mended]

    def _views(self) -> Iterator[tuple[View, list[_Held]]]:
        """The functions with a handler, and the sessions that they or their objects hold."""
        for view, names in self.session_flow.views:
            if view.function.has("handler"):
                kind = "async" if view.function.is_async else "sync"
                yield view, [self._held(view, each) for each in names.values() if each.kind == kind]
        for view in self.session_flow.methods:
            if view.function.has("handler"):
                yield view, self._held_by_object(view)

    def _held_by_object(self, view: View) -> list[_Held]:
        """The sessions in attributes of the object of a method, of which its other methods make use too."""
        kind = "async" if view.function.is_async else "sync"
        itself, names = frozenset({f":{view.function.owner}()"}), frozenset({view.function.first()})
        sessions = self.session_flow.sessions.of_object(view.module, view.function)
        return [_Held(each, names, itself) for each in sessions if each.kind == kind]

    def _held(self, view: View, session: SessionName) -> _Held:
        """A session with the objects that are made with it: `OrderService(session)`."""
        chains, names = {session.chain}, {session.name}
        for step in view.flow.steps:
            if step.kind == "assign" and len(step.stores) == 1 and not names.isdisjoint(step.loads):
                for call in view.made_in(step):
                    made = f"{call.chain}()"
                    if (
                        made == step.value
                        and any(given.chain in chains for given in call.takes)
                        and self.project.resolve(view.module, call.chain).kind == "class"
                    ):
                        chains.add(made)
                        names.add(step.name)
        for step in view.flow.steps:  # one that is bound again may hold an object of another session
            if names.isdisjoint(step.loads) and step.kind == "assign" and step.number not in session.steps:
                names.difference_update({*step.stores} - {session.name})
        return _Held(session, frozenset(names), frozenset(chains - {session.chain}))

    def _catches_failures(self, module: Module, handler: Step) -> bool:
        if not handler.chains:
            return True
        for chain in handler.chains:
            name = self.project.resolve(module, chain).name
            if chain in _CAUGHT:
                return True
            if name.startswith(_ERRORS) and not name.endswith(("NoResultFound", "MultipleResultsFound")):
                return True
        return False

    def _after_failure(self, view: View, handler: Step, held: _Held) -> Iterator[SessionAfterFailure]:
        flow, session = view.flow, held.session
        attempt = flow.steps[handler.parent]
        around = {outer.number for outer in flow.ancestors(attempt)}
        if any(step not in around and step > attempt.number for step in session.steps):
            return  # it is opened in the attempt, or later
        tried = list(self._tried(view, attempt, held))
        if not tried:
            return
        name, begun, is_async = session.name, view.module.place(attempt.span), view.function.is_async
        writes = any(self._writes(view, step, held) for step in tried)
        for step in flow.below(handler):
            if not held.is_in(step):
                continue
            if self._rolls_back(view, step, held) or step.kind == "def":
                return
            if self._works(view, step, held) and not self._of_other_error(view, handler, step):
                begins = any(self._begins(flow.steps[number]) for number in around)
                if not begins and (writes or is_async):
                    place = view.module.place(step.span)
                    yield SessionAfterFailure(place, name, begun, is_async, None, session.chain)
                return
        if writes:
            following = self._following(view, handler, held, tried[0])
            if following is not None:
                place, later = view.module.place(handler.span), view.module.place(following.span)
                yield SessionAfterFailure(place, name, begun, is_async, later, session.chain)

    def _of_other_error(self, view: View, handler: Step, step: Step) -> bool:
        """Whether a handler comes to a statement only after it has asked what the error is.

        ``if "already exists" in str(error):``: what some other service says, with the session intact.
        """
        flow = view.flow
        told = set(handler.stores)
        for inner in flow.below(handler) if told else ():
            if inner.kind == "assign" and not told.isdisjoint(inner.loads):
                told.update(inner.stores)
        current = step
        for outer in flow.ancestors(step):
            if outer.number <= handler.number:
                break
            if outer.kind == "if" and current.role == "body" and not told.isdisjoint(outer.loads):
                named = (self.project.resolve(view.module, chain).name for chain in outer.chains)
                return not any(name.startswith(_ERRORS) for name in named)
            current = outer
        return False

    def _tried(self, view: View, attempt: Step, held: _Held) -> Iterator[Step]:
        """The statements of a ``try`` that work with the session and that nothing in it looks after."""
        flow = view.flow
        body = [step for step in _part(flow, attempt, "body") if held.is_in(step)]
        if any(self._is_ended(view, step, held) for step in body):
            return
        for step in body:
            if self._rolls_back(view, step, held):
                continue  # what is called there looks after it
            protected = any(
                self._begins(outer) or self._swallows(view.module, flow, outer, step)
                for outer in flow.ancestors(step)
                if outer.number > attempt.number
            )
            if not protected and self._works(view, step, held):
                yield step

    def _following(self, view: View, handler: Step, held: _Held, tried: Step) -> Step | None:
        """The next use of a session after a handler that swallows: below the ``try``, or a round later."""
        flow, attempt = view.flow, view.flow.steps[handler.parent]
        if any(step.kind in _LEAVING for step in flow.below(handler)):
            return None
        if any(held.is_in(step) for step in _part(flow, attempt, "finally")):
            return None
        outer = [step.number for step in flow.ancestors(attempt)]
        scope = flow.after(attempt)
        if held.session.closes:
            inside = flow.below(flow.steps[held.session.steps[-1]])
            scope = [step for step in scope if step in inside]
        for step in scope:
            if step.kind in _LEAVING and (step.parent in outer or step.parent < 0):
                break
            if held.is_in(step) and not self._apart(flow, attempt, step):
                if self._rolls_back(view, step, held) or step.kind == "def":
                    return None
                if self._works(view, step, held):
                    return step
        for loop in flow.ancestors(attempt):
            if loop.kind in ("for", "while"):
                below = flow.below(loop)
                made_in_it = any(step.number in held.session.steps for step in (loop, *below))
                if not made_in_it and not any(self._is_ended(view, step, held) for step in below):
                    return tried
        return None

    def _apart(self, flow: Flow, attempt: Step, step: Step) -> bool:
        """Whether two statements stand in different branches."""
        branches = {}
        for one in (attempt, *flow.ancestors(attempt)):
            branches[one.parent] = one.role
        for one in (step, *flow.ancestors(step)):
            if one.parent in branches:
                return one.parent >= 0 and branches[one.parent] != one.role
        return False

    # ------------------------------------------------------------------ one statement

    def _swallows(self, module: Module, flow: Flow, outer: Step, step: Step) -> bool:
        """Whether what a statement raises ends in a handler of this ``try``."""
        if outer.kind != "try" or step not in _part(flow, outer, "body"):
            return False
        return any(
            self._catches_failures(module, handler)
            and not any(inner.kind == "raise" for inner in flow.below(handler))
            for handler in flow.body(outer, "handler")
        )

    def _begins(self, step: Step) -> bool:
        """Whether a ``with`` rolls back by itself."""
        return step.kind == "with" and any(
            chain.partition("=")[0].endswith((".begin()", ".begin_nested()")) for chain in step.chains
        )

    def _works(self, view: View, step: Step, held: _Held) -> bool:
        """Whether a statement talks to the database by the session."""
        for call in view.made_in(step):
            if call.is_awaited != view.function.is_async or not self._is_on(view, call, held):
                continue
            if call.chain.rpartition(".")[0] != held.session.chain:
                return True
            if call.leaf() in WORK and (view.function.is_async or call.leaf() not in _NOTING):
                return True
        return False

    def _is_on(self, view: View, call: Call, held: _Held) -> bool:
        """Whether a call is one of the session, of an object made with it, or hands it to a function."""
        receiver = call.chain.rpartition(".")[0]
        if receiver == held.session.chain:
            return True
        if receiver not in held.owners and not self.session_flow.lent(view, call, held.session):
            return False
        target = self.graph.target(view.module, call.chain)
        return target is not None and (
            receiver not in held.owners
            or any(function.may_call(*_TALKING) for _, function in self.graph.closure(*target))
        )

    def _writes(self, view: View, step: Step, held: _Held) -> bool:
        """Whether a statement may fail for the sake of what it writes."""
        for call in view.made_in(step):
            if not self._is_on(view, call, held):
                continue
            if call.chain.rpartition(".")[0] == held.session.chain:
                if _is_write(call, view.calls):
                    return True
                continue
            target = self.graph.target(view.module, call.chain)
            if target is not None and self._writes_in(
                *target, given_by(call, target[1], self.functions.of(*target), ())
            ):
                return True
        return False

    def _writes_in(self, module: Module, function: Function, given: Given, depth: int = DEPTH) -> bool:
        """Whether the failure of a write leaves a function that is given these values."""
        key = (module.path, function.qualname, given, depth)
        known = self._writing.get(key)
        if known is None:
            self._writing[key] = False  # a function that calls itself
            known = self._writing[key] = self._find_write(module, function, given, depth)
        return known

    def _find_write(self, module: Module, function: Function, given: Given, depth: int) -> bool:
        calls = self.functions.calls(module, function)
        if function.may_call(*_WRITING_LEAVES, *_EXECUTING):
            for call in calls:
                if _is_write(call, calls) and self._arrives(module, function, call, given):
                    return True
        for callee in self.graph.callees(module, function) if depth else ():
            if self._arrives(module, function, callee.call, given):
                flow = self.functions.of(callee.module, callee.function)
                handed = given_by(callee.call, callee.function, flow, given) if callee.is_called else ()
                if self._writes_in(callee.module, callee.function, handed, depth - 1):
                    return True
        return False

    def _arrives(self, module: Module, function: Function, call: Call, given: Given) -> bool:
        """Whether a function makes a call, and what it raises leaves the function."""
        flow = self.functions.of(module, function)
        step = flow.step_of(call)
        if step is None:
            return True
        if given and is_closed(flow, step, given):
            return False
        return not any(self._swallows(module, flow, outer, step) for outer in flow.ancestors(step))

    def _is_ended(self, view: View, step: Step, held: _Held) -> bool:
        """Whether a statement itself rolls the session back or closes it."""
        return any(self.session_flow.is_on(call, held.session, HARMLESS) for call in view.made_in(step))

    def _rolls_back(self, view: View, step: Step, held: _Held) -> bool:
        """Whether a statement, or a function that it hands the session to, rolls back or closes it."""
        if self._is_ended(view, step, held):
            return True
        for call in view.made_in(step):
            if call.hands_on(held.session.chain) or call.chain.rpartition(".")[0] in held.owners:
                target = self.graph.target(view.module, call.chain)
                if target is not None and any(
                    inner.mentions("rollback", "begin") for _, inner in self.graph.closure(*target)
                ):
                    return True
        return False


def _is_write(call: Call, calls: list[Call]) -> bool:
    """Whether a call writes, or executes what is seen to write."""
    if call.leaf() not in _EXECUTING:
        return call.leaf() in _WRITING
    statement = call.argument(0, "statement")
    made = calls[statement.number] if statement.kind == "call" else None
    chain = made.chain if made is not None else statement.chain
    if made is not None and made.leaf() == "text":
        return made.argument(0).text.lstrip().lower().startswith(_CHANGING)
    return chain.startswith(_CHANGES)


def _part(flow: Flow, step: Step, role: str) -> Iterator[Step]:
    """All statements in one part of a compound one."""
    for child in flow.body(step, role):
        yield child
        yield from flow.below(child)
