"""Handlers that raise and commit nothing: what they write is rolled back, whatever they save before."""

from __future__ import annotations

from typing import NamedTuple

from celery_lint.analysis.resources.sessions.held_sessions import HeldSession
from celery_lint.analysis.resources.sessions.session_flow import HARMLESS, SessionFlow, View
from celery_lint.inventory.code.graph import DEPTH, CallGraph
from celery_lint.inventory.resources.sessions import SessionName
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

_OTHER_ENDS = frozenset({"return", "break", "continue"})
_LOGGING = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})
_LOOPS = ("for", "while")
_ENDING = tuple(f".{leaf}" for leaf in sorted(HARMLESS))


class _Caller(NamedTuple):
    module: Module
    function: Function
    call: Call


class RolledBack:
    """What becomes of the work of a handler that raises.

    Nobody commits it but who catches the error and rolls nothing back: the session's own block closes it,
    which rolls back, and so does every handler that is right.
    """

    def __init__(self, known: Known) -> None:
        self.session_flow = known.of(SessionFlow)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.project = known.project

    def anyway(self, view: View, handler: Step, held: HeldSession) -> bool:
        """Whether all that a handler writes by a session is rolled back after it."""
        flow = view.flow
        below = flow.below(handler)
        if not _only_raises(flow, handler) or any(self._commits(view, step) for step in below):
            return False
        if _is_told_to_others(below, held):
            return False
        attempt = flow.steps[handler.parent]
        last = [inner for child in flow.body(attempt, "finally") for inner in (child, *flow.below(child))]
        if any(self._commits(view, step) for step in last):
            return False
        made_here = bool(held.session.steps)
        return not self._is_caught(view, attempt, made_here, set())

    def is_repeated(self, view: View) -> bool:
        """Whether a caller runs a function for each of many, and neither of them commits each."""
        if view.function.may_call(".commit"):
            return False
        for above, at, call in self._above((view.module.path, view.function.qualname)):
            if call.in_comprehension:
                return True
            loop = next((outer for outer in above.flow.ancestors(at) if outer.kind in _LOOPS), None)
            if loop is not None and not any(
                made.leaf() == "commit" for inner in above.flow.below(loop) for made in above.made_in(inner)
            ):
                return True
        return False

    def _commits(self, view: View, step: Step) -> bool:
        """Whether a statement commits, or something that it calls."""
        return any(self._leads_to(view.module, call, ".commit") for call in view.made_in(step))

    def _leads_to(self, module: Module, call: Call, *leaves: str) -> bool:
        if f".{call.leaf()}" in leaves:
            return True
        target = self.graph.target(module, call.chain)
        return target is not None and any(inner.may_call(*leaves) for _, inner in self.graph.closure(*target))

    def _is_caught(self, view: View, step: Step, made_here: bool, seen: set[Key]) -> bool:
        """Whether an error is caught after a statement, and the session committed without a rollback."""
        flow, current = view.flow, step
        sessions = self._sessions(view)
        opened = {number for session in sessions for number in session.steps if session.closes}
        for outer in flow.ancestors(step):
            if outer.number in opened:
                return False  # its end closes the session
            if outer.kind == "try" and current.role == "body":
                caught = [inner for handler in flow.body(outer, "handler") for inner in flow.below(handler)]
                last = [
                    inner for child in flow.body(outer, "finally") for inner in (child, *flow.below(child))
                ]
                for part in (caught, last):
                    if any(self._ends(view, inner) for inner in part):
                        return False
                    if any(self._commits_one(view, inner, sessions) for inner in part):
                        return True
                if not all(_only_raises(flow, handler) for handler in flow.body(outer, "handler")):
                    return self._goes_on(view, outer, made_here)
            current = outer
        key = view.module.path, view.function.qualname
        if made_here or key in seen or len(seen) > DEPTH:
            return False
        seen = {*seen, key}
        return any(self._is_caught(above, at, self._makes(above), seen) for above, at, _ in self._above(key))

    def _goes_on(self, view: View, attempt: Step, made_here: bool) -> bool:
        """Whether somebody commits after a ``try`` that has kept an error to itself."""
        flow = view.flow
        later = flow.after(attempt)
        for outer in flow.ancestors(attempt):
            if outer.kind == "with" and any(
                self._leads_to(view.module, call, ".commit", ".begin") for call in view.made_in(outer)
            ):
                return True
            if outer.kind in _LOOPS:
                later += flow.below(outer)
        if any(self._commits(view, step) for step in later):
            return True
        return not made_here and any(
            above.function.may_call(".commit", ".begin")
            for above, _, _ in self._above((view.module.path, view.function.qualname))
        )

    def _commits_one(self, view: View, step: Step, sessions: list[SessionName]) -> bool:
        """Whether a statement commits one of these sessions, or hands it to a function that does."""
        chains = {session.chain for session in sessions}
        for call in view.made_in(step):
            on_one = call.chain.rpartition(".")[0] in chains or any(
                given.chain in chains for given in call.takes
            )
            if on_one and self._leads_to(view.module, call, ".commit"):
                return True
        return False

    def _sessions(self, view: View) -> list[SessionName]:
        sessions = self.session_flow.sessions
        names = sessions.names(view.module, view.function).values()
        return [*names, *sessions.of_object(view.module, view.function)]

    def _makes(self, view: View) -> bool:
        """Whether a function opens the sessions that it works with."""
        sessions = self._sessions(view)
        return bool(sessions) and all(session.steps for session in sessions)

    def _ends(self, view: View, step: Step) -> bool:
        return any(self._leads_to(view.module, call, *_ENDING) for call in view.made_in(step))

    def _above(self, key: Key) -> list[tuple[View, Step, Call]]:
        """Who calls a function, and where."""
        found = []
        for module, function, call in self._callers.get(key, ()):
            flow = self.functions.of(module, function)
            step = flow.step_of(call)
            if step is not None:
                calls = self.functions.calls(module, function)
                found.append((View(module, function, flow, calls, ()), step, call))
        return found

    @once
    def _callers(self) -> dict[Key, list[_Caller]]:
        """The calls of each function, in all that tasks run."""
        found: dict[Key, list[_Caller]] = {}
        for module, function, _ in self.session_flow.sessions.reached:
            for callee in self.graph.callees(module, function):
                key = callee.module.path, callee.function.qualname
                found.setdefault(key, []).append(_Caller(module, function, callee.call))
        return found


def _only_raises(flow: Flow, handler: Step) -> bool:
    """Whether a handler ends by an exception, whichever way it takes."""
    below = flow.below(handler)
    return flow.ends(flow.body(handler)) and not any(step.kind in _OTHER_ENDS for step in below)


def _is_told_to_others(below: list[Step], held: HeldSession) -> bool:
    """Whether what the handler reads by the session serves for something else than the session."""
    read: set[str] = set()
    for step in below:
        if held.is_in(step):
            read.update(step.stores)
        elif step.kind != "raise" and step.value.endswith("()") and not read.isdisjoint(step.loads):
            receiver, _, leaf = step.value.removesuffix("()").rpartition(".")
            of_itself = receiver[1:] in read if receiver[:1] == "%" else receiver.endswith("()")
            if leaf not in _LOGGING and not of_itself:
                return True
    return False
