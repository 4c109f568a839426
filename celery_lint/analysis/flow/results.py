"""Results and clean-up in the coroutines of tasks: what may be unbound, what a ``finally`` can replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.handlers import Handlers, in_loop, is_log
from celery_lint.inventory.resources.awaited_disposals import AwaitedDisposals
from celery_lint.inventory.resources.sessions import Sessions
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts, once

_SUPPRESS = "contextlib.suppress()"
# What tells which names are bound: `if "result" in locals():`.
_NAMESPACES = frozenset({"locals", "vars", "dir"})
# Calls that a task never sees fail.
_HARMLESS = frozenset(
    [
        "~dict()",
        "~list()",
        "~set()",
        "datetime.datetime.now()",
        "datetime.datetime.utcnow()",
        "django.utils.timezone.now()",
        "time.monotonic()",
        "time.perf_counter()",
        "time.time()",
        "uuid.uuid4()",
    ]
)


class UnboundResult(NamedTuple):
    """A name that is read after a ``try`` although one of its handlers goes on without binding it.

    ``step`` is the statement that reads it, ``handler`` the clause. ``repeated``: all that stands in a loop,
    so that the name may hold what an earlier round left.
    """

    body: Body
    name: str
    step: Step
    handler: Step
    repeated: bool


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

    # ------------------------------------------------------------------ names that may be unbound

    @facts
    def unbound(self) -> list[UnboundResult]:
        """The results that may not exist when they are read."""
        bodies = [*self.bodies.all, *(body for body, _ in self.bodies.callees)]
        return [fact for body in bodies for fact in self._unbound(body)]

    def _unbound(self, body: Body) -> Iterator[UnboundResult]:
        flow = body.flow
        before = {parameter.name for parameter in body.function.parameters}
        before.update(name for step in flow.steps if step.kind == "global" for name in step.stores)
        for step in flow.steps:
            if step.kind == "try":
                yield from self._after_try(body, step, before)
            before.update(step.stores)

    def _after_try(self, body: Body, attempt: Step, before: set[str]) -> Iterator[UnboundResult]:
        flow = body.flow
        clauses = flow.body(attempt, "handler")
        later = _stored(flow.body(attempt, "finally"), body)
        safe = before | later
        for first in flow.body(attempt):
            if not _cannot_fail(first):
                break
            safe.update(first.stores)
        good = [*flow.body(attempt), *flow.body(attempt, "else")]
        bound = dict(_in_order(good, body))
        candidates = [name for name in bound if name not in safe]
        told: set[int] = set()
        for name in candidates:
            if bound[name].number in told:
                continue  # another name of the same assignment
            open_ = [
                clause
                for clause in clauses
                if self._goes_on_without(body, clause, name) and not _counts_on(body, clause, candidates)
            ]
            if open_:
                # Who asks for what the handler binds, or for another name of the assignment, knows.
                flags = _stored(open_, body) | set(bound[name].stores) - {name}
                reader = self._reader(body, attempt, name, flags)
                if reader is not None:
                    told.add(bound[name].number)
                    repeated = in_loop(flow, attempt) is not None
                    yield UnboundResult(body, name, reader, open_[0], repeated)

    def _goes_on_without(self, body: Body, clause: Step, name: str) -> bool:
        flow = body.flow
        if flow.ends(flow.body(clause)) or name in _stored([clause], body):
            return False
        return not self.handlers.raises(body, clause)

    def _reader(self, body: Body, attempt: Step, name: str, flags: set[str]) -> Step | None:
        """The statement after a ``try`` that reads a name whatever happened, before anything binds it.

        ``flags`` are names that tell what happened: who asks for one of them knows, and so does who asks
        which names there are.
        """
        flow, current = body.flow, attempt
        while True:
            parent = flow.steps[current.parent] if current.parent >= 0 else None
            siblings = flow.body(parent, current.role)
            for step in siblings:
                if step.number <= current.number:
                    continue
                if step.kind in ("if", "while", "assert", "match") and flags.intersection(step.loads):
                    return None
                if not _NAMESPACES.isdisjoint(step.loads):
                    return None
                if step.kind not in ("def", "class", "delete") and name in step.loads:
                    return step
                if name in _stored([step], body) or step.kind in ("return", "raise", "break", "continue"):
                    return None
                if step.kind in ("for", "while", "if", "match", "try", "with") and _reads(step, body, name):
                    return None  # under a condition that may know
            if parent is None or parent.kind not in ("with", "if") or flow.ends(siblings):
                return None
            current = parent

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
        flow, current = body.flow, step
        for outer in flow.ancestors(step):
            if outer.kind == "try" and current.role == "body" and flow.body(outer, "finally"):
                inside = flow.below(outer)
                if self._disposes(body, outer) or any(self._is_session(body, s) for s in inside):
                    return outer
            current = outer
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
        return any(step.kind == "handler" for step in start[0].flow.steps)


def _cannot_fail(step: Step) -> bool:
    """Whether a statement logs, or binds a constant, an empty display or the time."""
    if is_log(step):
        return True
    if step.kind != "assign" or not step.chains:
        return False
    chain = step.value
    return chain[:1] in ("#", "[", "{") or chain in _HARMLESS


def _in_order(steps: list[Step], body: Body) -> Iterator[tuple[str, Step]]:
    """The names that statements certainly bind when nothing is raised, with the statement."""
    for step in steps:
        if step.kind in ("assign", "with"):
            yield from ((name, step) for name in step.stores)
        if step.kind == "with":
            yield from _in_order(list(body.flow.body(step)), body)


def _stored(steps: Sequence[Step], body: Body) -> set[str]:
    """The names that statements, and all below them, bind."""
    found: set[str] = set()
    for step in steps:
        found.update(step.stores)
        for inner in body.flow.below(step):
            found.update(inner.stores)
    return found


def _counts_on(body: Body, clause: Step, names: Sequence[str]) -> bool:
    """Whether a handler itself reads one of these names, so that it ends there where they are not bound."""
    simple = [step for step in body.flow.body(clause) if step.kind in ("assign", "augment", "expr")]
    return any(name in step.loads for step in simple for name in names)


def _reads(step: Step, body: Body, name: str) -> bool:
    return any(name in inner.loads for inner in body.flow.below(step))
