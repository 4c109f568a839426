"""Sessions whose transaction may have failed, and that are used before anybody rolls them back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.analysis.resources.sessions.autoflush import sends_by_itself
from celery_lint.analysis.resources.sessions.earlier_work import Remedy, before, remedy, rows_of
from celery_lint.analysis.resources.sessions.flags import passed_over
from celery_lint.analysis.resources.sessions.held_sessions import HeldSession, HeldSessions
from celery_lint.analysis.resources.sessions.refusals import Event, Refusals, Writes, are_apart, joined
from celery_lint.analysis.resources.sessions.rolled_back import RolledBack
from celery_lint.analysis.resources.sessions.savepoints import begins, is_within, undoes_nested
from celery_lint.analysis.resources.sessions.session_flow import HARMLESS, WORK, SessionFlow, View
from celery_lint.analysis.resources.sessions.undone import Undone, is_rolled_back, part_of
from celery_lint.inventory.code.ends.unreached import Unreached
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.ways.untaken import Untaken
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
_TALKING = tuple(f".{leaf}" for leaf in sorted(WORK - {"add", "add_all", "delete", "get"}))
# Statements by which a handler ends what the session is used for.
_LEAVING = frozenset({"raise", "return", "break"})


class SessionAfterFailure(NamedTuple):
    """A use of a session after the ``try`` that may have broken it, and before its rollback.

    ``place`` is the use in the ``except`` clause; where that clause does nothing with the session, the
    clause, and ``later`` the use that comes next. ``maker`` is what the session comes from. ``by_flush``: it
    is a flush that fails, and no statement alone. ``remedy``: what mends it and undoes no earlier work.
    """

    place: Place
    name: str
    attempt: Place
    is_async: bool
    later: Place | None
    maker: str
    by_flush: bool
    remedy: Remedy


class _Failure(NamedTuple):
    """What may fail in a ``try``, what it writes, and whether something before it waits for a commit."""

    tried: list[Step]
    writes: Writes
    pending: bool


class FailedTransactions:
    """What is done with sessions after an error that nobody rolled back."""

    def __init__(self, known: Known) -> None:
        self.session_flow = known.of(SessionFlow)
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.unreached = known.of(Unreached)
        self.untaken = known.of(Untaken)
        self.refusals = Refusals(known, self._reaches_end)
        self.held = known.of(HeldSessions)
        self.rolled_back = known.of(RolledBack)
        self.undone = known.of(Undone)

    @facts
    def used(self) -> list[SessionAfterFailure]:
        """The uses of a session in an ``except`` and after it that come before its rollback."""
        found: list[SessionAfterFailure] = []
        for view, sessions in self.held.views():
            handlers = [
                step
                for step in (view.flow.steps if sessions else ())
                if step.kind == "handler"
                and self._catches_failures(view.module, step)
                and not self.untaken.holds(view.module, view.function, step)
            ]
            for held in sessions if handlers else ():
                written = [self._writes(view, step, held) for step in view.flow.steps]
                for handler in handlers:
                    found += self._after_failure(view, handler, held, written)
        # A rollback in the clause around another mends what follows that one, too.
        mended = {use.place for use in found if use.later is None}
        return [use for use in found if use.later not in mended]

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

    def _after_failure(
        self, view: View, handler: Step, held: HeldSession, written: list[Writes]
    ) -> Iterator[SessionAfterFailure]:
        flow, session = view.flow, held.session
        attempt = flow.steps[handler.parent]
        around = {outer.number for outer in flow.ancestors(attempt)}
        if not held.is_there_after(flow, attempt):
            return
        tried = list(self._tried(view, attempt, held))
        if not tried:
            return
        earlier = before(view, held, attempt, written)
        failing = self.refusals.failing(flow, [*earlier.unsent, *self._events(view, attempt, tried, written)])
        if (
            failing.refused_if_sent
            and not failing.refused
            and sends_by_itself(self.project, view, held.session)
        ):
            failing = failing._replace(refused=True)
        if not (failing.refused or failing.executes) or not self._is_stored(view, held):
            return
        failure = _Failure(tried, failing, earlier.pending)
        in_rounds = not held.session.steps and self.rolled_back.is_repeated(view)
        mend = remedy(view, held, attempt, written, earlier, failing.commits, in_rounds)
        begun = view.module.place(attempt.span)

        def told(place: Step, later: Step | None) -> SessionAfterFailure:
            return SessionAfterFailure(
                view.module.place(place.span),
                session.name,
                begun,
                view.function.is_async,
                view.module.place(later.span) if later is not None else None,
                session.maker or session.chain,
                failing.refused and (failing.adds or not failing.executes),
                mend,
            )

        for step in flow.below(handler):
            if undoes_nested(view, step, held):
                return
            if not held.is_in(step):
                continue
            if self._rolls_back(view, step, held) or step.kind == "def":
                return
            if self._works(view, step, held) and not self._of_other_error(view, handler, step):
                begun_around = any(begins(flow.steps[number]) for number in around)
                harmless = begun_around or self._repeats(view, tried, step, failing)
                if (
                    not harmless
                    and self._fails(view, handler, step, held, failure)
                    and not self.rolled_back.anyway(view, handler, held)
                ):
                    yield told(step, None)
                return
        following = self._following(view, handler, held, failure)
        if following is not None:
            yield told(handler, following)

    def _events(self, view: View, attempt: Step, tried: list[Step], written: list[Writes]) -> Iterator[Event]:
        """What the statements of a ``try`` do by the session, and to what it holds, without savepoints."""
        working = {step.number for step in tried}
        for step in part_of(view.flow, attempt, "body"):
            if step.number in working:
                yield step, written[step.number]
            elif not is_within(view.flow, attempt, step):
                yield step, written[step.number].noted

    def _is_stored(self, view: View, held: HeldSession) -> bool:
        """Whether what is done by a session that is opened here is committed by somebody."""
        maker = held.session.maker or held.session.chain
        if not held.session.steps or maker.endswith(".begin()"):
            return True
        if view.function.may_call(".commit"):
            return True
        opened = self.graph.target(view.module, maker.removesuffix("()"))
        if opened is not None and any(
            inner.mentions("commit", "begin") for _, inner in self.graph.closure(*opened)
        ):
            return True
        handed = (call for call in view.calls if self._is_on(view, call, held))
        targets = (self.graph.target(view.module, call.chain) for call in handed)
        return any(
            inner.may_call(".commit")
            for target in targets
            if target is not None
            for _, inner in self.graph.closure(*target)
        )

    def _repeats(self, view: View, tried: list[Step], step: Step, failing: Writes) -> bool:
        """Whether a handler only tries the same again: what it makes up for is no failure of the database."""
        if failing.adds or failing.executes:
            return False
        again = {call.chain for call in view.made_in(step)}
        return all(
            not again.isdisjoint(call.chain for call in view.made_in(one)) for one in tried
        ) and not any(call.leaf() in WORK for call in view.made_in(step))

    def _fails(self, view: View, handler: Step, step: Step, held: HeldSession, failure: _Failure) -> bool:
        """Whether a use of the session fails, or loses something.

        After a failed statement a `commit` with nothing to flush ends the transaction without a word.
        """
        if failure.writes.refused or failure.pending:
            return True
        if any(call.leaf() != "commit" for call in view.made_in(step) if self._is_on(view, call, held)):
            return True
        rows = rows_of(view.flow, held)
        between = view.flow.steps[handler.number : step.number]
        return any(
            (one.kind == "assign" and not one.stores and not rows.isdisjoint(one.loads[:1]))
            or self._writes(view, one, held).adds
            for one in between
        )

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

    def _tried(self, view: View, attempt: Step, held: HeldSession) -> Iterator[Step]:
        """The statements of a ``try`` that work with the session and that nothing in it looks after."""
        flow = view.flow
        body = [step for step in part_of(flow, attempt, "body") if held.is_in(step)]
        ended = [step for step in body if self._is_ended(view, step, held)]
        mending = {self._handler_in(flow, attempt, step) for step in ended}
        if None in mending:
            return
        for step in body:
            if self._looks_after(view, step, held):
                continue
            if self._rolls_back(view, step, held) and not self._undoes_part(view, step, held):
                continue
            protected = any(
                begins(outer)
                or (outer.kind == "with" and self._looks_after(view, outer, held))
                or self._swallows(view.module, flow, outer, step)
                or (outer.kind == "try" and not mending.isdisjoint(flow.body(outer, "handler")))
                for outer in flow.ancestors(step)
                if outer.number > attempt.number
            )
            if not protected and self._works(view, step, held):
                yield step

    def _handler_in(self, flow: Flow, attempt: Step, step: Step) -> Step | None:
        """The handler of a ``try`` inside another that a statement stands in."""
        inside = (outer for outer in flow.ancestors(step) if outer.number > attempt.number)
        return next((outer for outer in inside if outer.kind == "handler"), None)

    def _following(self, view: View, handler: Step, held: HeldSession, failure: _Failure) -> Step | None:
        """The next use of a session after a handler that swallows: below the ``try``, or a round later."""
        flow, attempt = view.flow, view.flow.steps[handler.parent]
        for step in part_of(flow, attempt, "finally"):  # whichever way the handler leaves
            if held.is_in(step):
                if self._rolls_back(view, step, held) or step.kind == "def":
                    return None
                if self._works(view, step, held) and self._fails(view, handler, step, held, failure):
                    return step
        if any(step.kind in _LEAVING for step in flow.below(handler)):
            return None
        outer = [step.number for step in flow.ancestors(attempt)]
        unreached = passed_over(flow, handler)
        scope = [step for step in flow.after(attempt) if step.number not in unreached]
        begun = next((step for step in flow.ancestors(attempt) if begins(step)), None)
        if begun is not None:  # a failed flush ends its transaction, and the end of the block says nothing
            scope = [step for step in scope if step in flow.below(begun)]
        if held.session.closes:
            inside = flow.below(flow.steps[held.session.steps[-1]])
            scope = [step for step in scope if step in inside]
        for step in scope:
            if step.kind in _LEAVING and (step.parent in outer or step.parent < 0):
                break
            if held.is_in(step) and not are_apart(flow, attempt, step):
                if self._rolls_back(view, step, held) or step.kind == "def":
                    return None
                if self._works(view, step, held) and self._fails(view, handler, step, held, failure):
                    return step
        for loop in flow.ancestors(attempt):
            if loop is begun:
                break
            if loop.kind in ("for", "while"):
                below = flow.below(loop)
                made_in_it = any(step.number in held.session.steps for step in (loop, *below))
                if not made_in_it and not any(self._is_ended(view, step, held) for step in below):
                    return failure.tried[0]
        return None

    # ------------------------------------------------------------------ one statement

    def _swallows(self, module: Module, flow: Flow, outer: Step, step: Step) -> bool:
        """Whether what a statement raises ends in a handler of this ``try``."""
        if outer.kind != "try" or step not in part_of(flow, outer, "body"):
            return False
        return any(
            self._catches_failures(module, handler)
            and not any(inner.kind == "raise" for inner in flow.below(handler))
            for handler in flow.body(outer, "handler")
        )

    def _works(self, view: View, step: Step, held: HeldSession) -> bool:
        """Whether a statement talks to the database by the session."""
        for call in view.made_in(step):
            if call.is_awaited != view.function.is_async or not self._is_on(view, call, held):
                continue
            if call.chain.rpartition(".")[0] != held.session.chain:
                return True
            if call.leaf() in WORK and (view.function.is_async or call.leaf() not in _NOTING):
                return True
        return False

    def _is_on(self, view: View, call: Call, held: HeldSession) -> bool:
        """Whether a call is one of the session, of an object made with it, or hands it to a function."""
        receiver = call.chain.rpartition(".")[0]
        if receiver == held.session.chain:
            return True
        lent = receiver not in held.owners and self.session_flow.lent(view, call, held.session.chain)
        if not (lent or receiver in held.owners or self._is_lent_an_owner(view, call, held)):
            return False
        target = self.graph.target(view.module, call.chain)
        return target is not None and (
            lent or any(self._talks(module, function) for module, function in self.graph.closure(*target))
        )

    def _is_lent_an_owner(self, view: View, call: Call, held: HeldSession) -> bool:
        return any(self.session_flow.lent(view, call, owner) for owner in held.owners)

    def _talks(self, module: Module, function: Function) -> bool:
        """Whether a function comes to a call that may talk to a database."""
        if not function.may_call(*_TALKING):
            return False
        never = self.unreached.calls(module, function)
        calls = self.functions.calls(module, function)
        return any(call.number not in never for call in calls if f".{call.leaf()}" in _TALKING)

    def _writes(self, view: View, step: Step, held: HeldSession) -> Writes:
        """What a statement does that a database may refuse, by the session or to what it holds."""
        done = []
        for call in view.made_in(step):
            if self._is_on(view, call, held):
                if call.chain.rpartition(".")[0] == held.session.chain:
                    done.append(self.refusals.on_session(view.flow, call, view.calls))
                else:
                    done.append(self.refusals.called(view.module, call))
            elif call.named:  # `fill(row, data)`
                done.append(Writes(fills=self.refusals.called(view.module, call).fills))
        if self.refusals.fills(view.module, view.flow, step, view.calls):
            done.append(Writes(fills=True))
        return joined(view.flow, [(step, writes) for writes in done])

    def _reaches_end(self, module: Module, flow: Flow, step: Step) -> bool:
        """Whether what a statement raises leaves its function, and the session broken."""
        return not any(
            begins(outer) or self._swallows(module, flow, outer, step) or is_rolled_back(flow, outer, step)
            for outer in flow.ancestors(step)
        )

    def _is_ended(self, view: View, step: Step, held: HeldSession) -> bool:
        """Whether a statement itself rolls the session back or closes it."""
        return any(self.session_flow.is_on(call, held.session, HARMLESS) for call in view.made_in(step))

    def _rolls_back(self, view: View, step: Step, held: HeldSession) -> bool:
        """Whether a statement, or a function that it hands the session to, rolls back or closes it.

        So does ``if not is_active(session): session.rollback()``, which only asks before.
        """
        if self._is_ended(view, step, held) or self.undone.runs(view, step, held, "rollback", "begin"):
            return True
        return step.kind == "if" and any(self._is_ended(view, inner, held) for inner in view.flow.below(step))

    def _undoes_part(self, view: View, step: Step, held: HeldSession) -> bool:
        """Whether a function that rolls back leaves something that it has not rolled back."""
        writes = self._writes(view, step, held)
        return (writes.refused or writes.executes) and self.undone.in_handlers(view, step, held)

    def _looks_after(self, view: View, step: Step, held: HeldSession) -> bool:
        """Whether a function that gets the session works in a savepoint, which it undoes by itself."""
        return self.undone.runs(view, step, held, "begin_nested")
