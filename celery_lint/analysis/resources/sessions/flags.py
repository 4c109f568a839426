"""Flags that tell behind a ``try`` how it ended: ``ok = False`` in the handler, ``if ok:`` further down."""

from __future__ import annotations

from celery_lint.analysis.resources.sessions.undone import part_of
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow

_CAUGHT = "caught"
_FALSE = frozenset({"#False", "#0", "#None"})
_TRUE = frozenset({"#True", "#1", _CAUGHT})


def passed_over(flow: Flow, handler: Step) -> frozenset[int]:
    """The numbers of the statements behind a ``try`` that no run comes to which was in this handler."""
    flags = _flags(flow, handler)
    found: set[int] = set()
    for step in flow.after(flow.steps[handler.parent]) if flags else ():
        asked = {load.lstrip("!=") for load in step.loads} if step.kind == "if" else set()
        if len(asked) == 1 and (name := asked.pop()) in flags:
            holds = _holds(step, flags[name])
            if holds is not None:
                found.update(inner.number for inner in part_of(flow, step, "else" if holds else "body"))
        for name in step.stores:
            flags.pop(name, None)
    return frozenset(found)


def _flags(flow: Flow, handler: Step) -> dict[str, str]:
    """What names are bound to when a handler is at its end, where that is certain, as packed."""
    attempt = flow.steps[handler.parent]
    found = _set_at_the_end(flow, attempt)
    for step in flow.below(handler):
        for name in step.stores:
            found.pop(name, None)
        if step.kind == "assign" and step.parent == handler.number and len(step.stores) == 1:
            if step.value in _FALSE or step.value in _TRUE:
                found[step.name] = step.value
            elif handler.stores and step.value == f"%{handler.name}":
                found[step.name] = _CAUGHT
    return found


def _set_at_the_end(flow: Flow, attempt: Step) -> dict[str, str]:
    """What is bound before a ``try`` to names that only its last statement binds anew."""
    body = flow.body(attempt)
    last = body[-1]
    inside = list(part_of(flow, attempt, "body"))
    found = {}
    if last.kind == "assign" and len(last.stores) == 1:
        name = last.name
        before = [step for step in flow.steps[: attempt.number] if name in step.stores]
        if (
            before
            and before[-1].kind == "assign"
            and (before[-1].parent, before[-1].role) == (attempt.parent, attempt.role)
            and before[-1].value in _FALSE | _TRUE
            and not any(name in step.stores for step in inside if step is not last)
        ):
            found[name] = before[-1].value
    return found


def _holds(test: Step, value: str) -> bool | None:
    """Whether a test of a name is true where it is bound to this; ``None`` where nobody can tell."""
    if test.asks_for[:1] != "%":
        return None
    if not test.chains[1:]:
        truth = value in _TRUE
    elif test.chains[1:] == ("#None",):
        truth = value != "#None"
    else:
        return None
    return truth is not test.asks_in_the_negative
