"""Clean-up in the coroutines of tasks: what is returned past it, what a ``finally`` can replace."""

from __future__ import annotations

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.handlers import Handlers
from celery_lint.inventory.resources.awaited_disposals import AwaitedDisposals
from celery_lint.inventory.resources.sessions import Sessions
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts, once

_SUPPRESS = "contextlib.suppress()"


class EarlyReturn(NamedTuple):
    """A ``return`` in a ``try`` whose ``finally`` cleans up after the coroutine of a task."""

    body: Body
    step: Step
    attempt: Step


class LoneDisposal(NamedTuple):
    """The only disposal in a ``finally``, which nothing keeps from replacing the task's own exception."""

    body: Body
    step: Step
    label: str


class UnhandledSession(NamedTuple):
    """An async session of a task whose errors nothing in the task handles."""

    body: Body
    step: Step


class Results:
    """What the bodies of tasks leave behind, good and bad."""

    def __init__(self, known: Known) -> None:
        self.handlers = known.of(Handlers)
        self.bodies = known.of(Bodies)
        self.project = known.project
        self.sessions = known.of(Sessions)
        self.functions = known.project.functions
        self.awaited_disposals = known.of(AwaitedDisposals)

    # ------------------------------------------------------------------ clean-up

    @once
    def _coroutines(self) -> list[Body]:
        return [body for body in self.bodies.all if body.role == "coroutine"]

    @facts
    def early_returns(self) -> list[EarlyReturn]:
        """The values that are returned from inside a ``try`` around a session or before a disposal."""
        found = []
        for body in self._coroutines:
            flow = body.flow
            for step in flow.steps:
                if step.kind != "return" or step.chains == ("#None",):
                    continue
                attempt = self._cleaned(body, step)
                if attempt is not None:
                    found.append(EarlyReturn(body, step, attempt))
        return found

    def _cleaned(self, body: Body, step: Step) -> Step | None:
        for attempt in body.flow.attempts(step):
            if body.flow.body(attempt, "finally"):
                inside = body.flow.below(attempt)
                if self._disposes(body, attempt) or any(self._is_session(body, s) for s in inside):
                    return attempt
        return None

    def _disposes(self, body: Body, attempt: Step) -> bool:
        return any(
            body.flow.inside(step, "try", "finally") is attempt for step, _ in self._disposals_of(body)
        )

    def _disposals_of(self, body: Body) -> list[tuple[Step, str]]:
        """The statements that await the disposal of an async engine, with what they say."""
        if not body.function.mentions("dispose"):
            return []
        found = []
        by_place = {d.place: d for d in self.awaited_disposals.of(body.module, body.function)}
        for call in self.functions.calls(body.module, body.function):
            disposal = by_place.get(body.module.place(call.span))
            step = body.flow.step_of(call)
            if disposal is not None and disposal.resolved and step is not None:
                found.append((step, disposal.label))
        return found

    def _is_session(self, body: Body, step: Step) -> bool:
        return (
            step.kind == "with"
            and step.waits
            and any(
                self.sessions.kind(body.module, chain.partition("=")[0]) == "async" for chain in step.chains
            )
        )

    @facts
    def lone_disposals(self) -> list[LoneDisposal]:
        """The disposals that a ``finally`` makes alone, without a guard of their own."""
        found: list[LoneDisposal] = []
        for body in self._coroutines:
            unguarded: dict[int, list[LoneDisposal]] = {}
            for step, label in self._disposals_of(body):
                attempt = self._unguarded(body, step)
                if attempt is not None:
                    unguarded.setdefault(attempt.number, []).append(LoneDisposal(body, step, label))
            found.extend(facts[0] for facts in unguarded.values() if len(facts) == 1)
        return found

    def _unguarded(self, body: Body, step: Step) -> Step | None:
        """The ``try`` in whose ``finally`` a statement stands with no guard in between."""
        current = step
        for outer in body.flow.ancestors(step):
            if outer.kind == "try":
                return outer if current.role == "finally" else None
            if outer.kind == "with" and _SUPPRESS in outer.chains:
                return None
            current = outer
        return None

    # ------------------------------------------------------------------ sessions without a handler

    @facts
    def unhandled_sessions(self) -> list[UnhandledSession]:
        """The async sessions in coroutines of tasks around which no handler stands, up to the worker."""
        found = []
        for body in self._coroutines:
            for step in body.flow.steps:
                if self._is_session(body, step):
                    if not self._handled(body) and not self._handled_by_maker(body, step):
                        found.append(UnhandledSession(body, step))
                    break
        return found

    def _handled_by_maker(self, body: Body, step: Step) -> bool:
        """Whether the context manager of the project that gives the session has a handler around it."""
        for chain in step.chains:
            maker = self.project.resolve(body.module, chain.partition("=")[0].removesuffix("()"))
            function = maker.function()
            if function is not None and maker.module is not None:
                flow = self.functions.of(maker.module, function)
                if any(inner.kind == "handler" for inner in flow.steps):
                    return True
        return False

    def _handled(self, body: Body) -> bool:
        flow = body.flow
        if any(step.kind == "handler" for step in flow.steps):
            return True
        start = self.bodies.started_at(body)
        if start is None:
            return True  # run by somebody in between, who may handle it
        around = [outer for outer, _ in self.bodies.outwards(start[0])]
        return any(step.kind == "handler" for outer in (start[0], *around) for step in outer.flow.steps)
