"""Names that tasks read although what was to bind them has raised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from celery_lint.analysis.flow.failing import Failing, cannot_fail
from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.handlers import Handlers, in_loop, is_log
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts
from celery_lint.project.memory import Remembered

# What tells which names are bound: `if "result" in locals():`.
_NAMESPACES = frozenset({"locals", "vars", "dir"})


class UnboundResult(NamedTuple):
    """A name that is read where it may be unbound, because something was raised before it was bound.

    ``step`` is the statement that reads it. ``kind`` is empty after a ``try``, where ``because`` is the
    handler that goes on without binding it; ``left over`` if all that stands in a loop, so that the name may
    hold what an earlier round left; ``clause`` in a handler or a ``finally`` of the ``try`` itself, where
    ``because`` is the first statement that can raise.
    """

    body: Body
    name: str
    step: Step
    because: Step
    kind: Literal["", "left over", "clause"]


class Unbound:
    """The names that may be unbound when they are read."""

    def __init__(self, known: Known) -> None:
        self.handlers = known.of(Handlers)
        self.bodies = known.of(Bodies)
        self.failing = known.of(Failing)
        self.project = known.project
        self._of_bodies = Remembered(lambda body: list(self._unbound(body)))

    @facts
    def results(self) -> list[UnboundResult]:
        """The results that may not exist when they are read."""
        bodies = [*self.bodies.all, *(body for body, _ in self.bodies.callees)]
        return [
            fact for body in bodies if body.function.has("try") for fact in self._of_bodies.of(body.key, body)
        ]

    def _unbound(self, body: Body) -> Iterator[UnboundResult]:
        flow = body.flow
        before = {parameter.name for parameter in body.function.parameters}
        before.update(name for step in flow.steps if step.kind == "global" for name in step.stores)
        for step in flow.steps:
            if step.kind == "try":
                yield from self._after_try(body, step, before)
                yield from self._in_clauses(body, step, before)
            before.update(step.stores)

    def _after_try(self, body: Body, attempt: Step, before: set[str]) -> Iterator[UnboundResult]:
        flow = body.flow
        clauses = flow.body(attempt, "handler")
        later = _stored(flow.body(attempt, "finally"), body)
        safe = before | later
        for first in flow.body(attempt):
            if not cannot_fail(first) and not self.failing.never_fails(body, first):
                break
            safe.update(first.stores)
        good = [*flow.body(attempt), *flow.body(attempt, "else")]
        bound: dict[str, Step] = {}
        for name, step in _in_order(good, body):
            bound.setdefault(name, step)
        candidates = [name for name in bound if name not in safe]
        told: set[int] = set()
        found: list[UnboundResult] = []
        for name in candidates:
            if bound[name].number in told:
                continue  # another name of the same assignment
            open_ = [
                clause
                for clause in clauses
                if self._goes_on_without(body, clause, name)
                and not _counts_on(body, clause, candidates)
                and self.failing.may_come_before(body, clause, attempt, bound[name])
            ]
            if open_:
                # Who asks for what the handler binds, or for another name of the assignment, knows.
                flags = _stored(open_, body) | _told(open_, body) | set(bound[name].stores) - {name}
                reader = self._reader(body, attempt, name, flags)
                if reader is not None:
                    told.add(bound[name].number)
                    repeated = in_loop(flow, attempt) is not None
                    kind: Literal["", "left over"] = "left over" if repeated else ""
                    found.append(UnboundResult(body, name, reader, open_[0], kind))
        # What one handler leaves unbound is mended at one place; the first that is read raises.
        first_read = {fact.because.number: fact for fact in sorted(found, key=lambda fact: -fact.step.number)}
        yield from first_read.values()

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
                if not (flags | _NAMESPACES).isdisjoint(step.loads):
                    if step.kind == "if" and not _decides(flow, step, name):
                        continue  # who asks, and goes on all the same, has not decided anything
                    if step.kind in ("if", "while", "assert", "match") or _asks_for_names(step):
                        return None
                if f"/{name}" in step.loads:
                    return None  # in an operand that another decides about
                if step.kind not in ("def", "class", "delete") and name in step.loads:
                    return step
                if name in _stored([step], body) or step.kind in ("return", "raise", "break", "continue"):
                    return None
                if step.kind in ("for", "while", "if", "match", "try", "with") and _reads(step, body, name):
                    return None  # under a condition that may know
            if parent is None or parent.kind not in ("with", "if") or flow.ends(siblings):
                return None
            current = parent

    # ------------------------------------------------------------------ in the clauses of the try

    def _in_clauses(self, body: Body, attempt: Step, before: set[str]) -> Iterator[UnboundResult]:
        """The reads in a handler or a ``finally`` of what the first statement that can raise was to bind."""
        flow = body.flow
        clauses = flow.body(attempt, "handler")
        tried = list(_one_by_one(flow.body(attempt), body))
        reading = [step for c in (*clauses, *flow.body(attempt, "finally")) for step in _within(c, body)]
        read = {name for step in reading for name in step.loads}
        bound = {name for step in tried if step.kind in ("assign", "with") for name in step.stores}
        if bound.isdisjoint(read - before):
            return
        failing = next((step for step in tried if self.failing.may_fail(body, step)), None)
        if failing is None:
            return
        ahead: set[str] = set()
        for step in tried[: tried.index(failing)]:
            ahead.update(step.stores if step.kind == "with" else _stored([step], body))
        later = [s for s in tried if s.number >= failing.number and s.kind in ("assign", "with")]
        names = [name for step in later for name in step.stores if name not in before | ahead]
        for clause in clauses:
            if self.failing.gets(body, clause, failing):
                fact = self._first_read(body, flow.body(clause), names, failing)
                if fact is not None:
                    yield fact
                    return
        names = [name for name in names if name not in _stored(clauses, body)]
        final = self._first_read(body, flow.body(attempt, "finally"), names, failing)
        if final is not None:
            yield final

    def _first_read(
        self, body: Body, steps: Sequence[Step], names: Sequence[str], failing: Step
    ) -> UnboundResult | None:
        """The first of these statements, if it reads one of the names whatever happened."""
        unbound = set(names)
        for step in steps:
            if _asks_for_names(step):
                return None
            if step.kind not in ("assign", "augment", "for"):
                unbound.difference_update(step.stores)  # `with … as name`, `if (name := …)`
            unbound -= {name for name in unbound if f"/{name}" in step.loads}  # another operand decides
            read = unbound.intersection(step.loads) if step.kind not in ("def", "class", "delete") else set()
            if read:
                name = min(read, key=names.index)
                return UnboundResult(body, name, step, failing, "clause")
            if step.kind == "with":
                left = [name for name in names if name in unbound]
                inner = self._first_read(body, body.flow.body(step), left, failing)
                if inner is not None:
                    return inner
            unbound -= _stored([step], body)
            if step.kind in ("return", "raise", "continue", "break"):
                return None
        return None


def _in_order(steps: list[Step], body: Body) -> Iterator[tuple[str, Step]]:
    """The names that statements certainly bind when nothing is raised, with the statement."""
    for step in steps:
        if step.kind in ("assign", "with"):
            yield from ((name, step) for name in step.stores)
        if step.kind == "with":
            yield from _in_order(list(body.flow.body(step)), body)


def _one_by_one(steps: Sequence[Step], body: Body) -> Iterator[Step]:
    """Statements in the order in which they are run, what a ``with`` holds among them."""
    for step in steps:
        yield step
        if step.kind == "with":
            yield from _one_by_one(body.flow.body(step), body)


def _within(step: Step, body: Body) -> list[Step]:
    """A statement and all below it."""
    return [step, *body.flow.below(step)]


def _stored(steps: Sequence[Step], body: Body) -> set[str]:
    """The names that statements, and all below them, bind."""
    found: set[str] = set()
    for step in steps:
        found.update(step.stores)
        for inner in body.flow.below(step):
            found.update(inner.stores)
    return found


def _told(clauses: Sequence[Step], body: Body) -> set[str]:
    """The local names that handlers tell something: ``errors.append(error)``."""
    owners = {
        step.value.rpartition(".")[0]
        for clause in clauses
        for step in _within(clause, body)
        if step.kind == "expr"
    }
    made = {name for step in body.flow.steps if step.value in owners for name in step.stores}
    return made | {owner[1:] for owner in owners if owner[:1] == "%"}


def _counts_on(body: Body, clause: Step, names: Sequence[str]) -> bool:
    """Whether a handler itself reads one of these names, so that it ends there where they are not bound."""
    simple = [step for step in body.flow.body(clause) if step.kind in ("assign", "augment", "expr")]
    return any(name in step.loads for step in simple for name in names)


def _asks_for_names(step: Step) -> bool:
    """Whether a statement asks which names are bound."""
    return not _NAMESPACES.isdisjoint(step.loads)


def _decides(flow: Flow, step: Step, name: str) -> bool:
    """Whether what follows an ``if`` depends on it: something leaves there, or binds the name."""
    return any(
        inner.kind in ("return", "raise", "break", "continue") or name in inner.stores or _may_leave(inner)
        for inner in flow.below(step)
    )


def _may_leave(step: Step) -> bool:
    """Whether a call on its own may raise on purpose: `self.fail()`, `sys.exit()`."""
    return step.kind == "expr" and not is_log(step)


def _reads(step: Step, body: Body, name: str) -> bool:
    return any(name in inner.loads for inner in body.flow.below(step))
