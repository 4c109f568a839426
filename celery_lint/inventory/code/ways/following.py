"""What of a function may still run after a statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from celery_lint.inventory.code.handlers import is_log
from celery_lint.libraries.clients import RELEASES
from celery_lint.libraries.exceptions import never_raises, raises_nothing
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow

_LOOPS = frozenset({"for", "while"})
_BRANCHES = frozenset({"if", "case"})
# What makes a number of others.
_NUMBERS = frozenset({"~abs", "~float", "~int", "~max", "~min", "~round", "~sum"})
_ENDS = frozenset({"return", "raise", "continue", "break"})

_Left = Literal["", "round", "loop", "function"]
"""What a run certainly leaves at the end of a block: the round of a loop, the loop, or the function."""


class _Rest(NamedTuple):
    """What of a block runs after one of its statements.

    ``outer`` is the statement around the block. ``comes_round`` says that this is a loop, and that its next
    round may come.
    """

    outer: Step | None
    steps: Sequence[Step] = ()
    comes_round: bool = False


def following(flow: Flow, step: Step) -> list[Step]:
    """The statements that may run after one, without those of the branches and handlers beside it.

    Behind ``return`` that is only what a ``finally`` holds. The next round of a loop is not among them.
    """
    return [each for rest in _rests(flow, step) for each in _with_inner(flow, rest.steps)]


def goes_on(flow: Flow, step: Step) -> Iterator[Step]:
    """The statements that may run when the branch or the handler of a statement is at its end.

    The next round of a loop is among them, by the loop itself.
    """
    around = list(flow.ancestors(step))
    handlers = [outer for outer in around if outer.kind == "handler"]
    branches = [*handlers[-1:], *(outer for outer in around if outer.kind in _BRANCHES)]
    within = bool(branches)
    for rest in _rests(flow, step):
        if rest.comes_round and rest.outer is not None:
            yield from _with_inner(flow, [rest.outer])
        if not within:
            yield from _with_inner(flow, rest.steps)
        if within and rest.outer is branches[0]:
            within = False


def works_on(flow: Flow, calls: Sequence[Call], step: Step) -> bool:
    """Whether the function goes on with its work behind the branch of a statement, or with the next round.

    To tidy up, to look at a clock, to convert, to tell of it and to return something is no work.
    """
    return any(
        later.kind in _LOOPS or works(calls, later)
        for later in goes_on(flow, step)
        if flow.inside(later, "try", "finally") is None
    )


def works(calls: Sequence[Call], step: Step) -> bool:
    """Whether a statement does anything of that kind, be it that it returns what a parameter does."""
    if is_log(step):
        return False
    made = [calls[number].chain for number in step.calls]
    if step.value[-2:] == "()" and (step.kind != "return" or step.value[:1] == "%"):
        made.append(step.value[:-2])
    return not all(_is_aside(chain, leaf_of_chain(chain)) for chain in made)


def _is_aside(chain: str, leaf: str) -> bool:
    """Whether a call looks at a clock, makes a value of another, or closes something."""
    return never_raises(chain) or raises_nothing(chain, leaf) or leaf in RELEASES or chain in _NUMBERS


def _with_inner(flow: Flow, steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from flow.below(step)


def _rests(flow: Flow, step: Step) -> Iterator[_Rest]:
    """The rests of the blocks around a statement, the innermost first."""
    current, left = step, _left(flow, [step])
    for outer in (*flow.ancestors(step), None):
        beside = current.role in ("handler", "case")  # one run takes one of these
        later = [] if left or beside else _come_to(flow, flow.body(outer, current.role), current.number)
        yield _Rest(outer, later)
        left = left or _left(flow, later)
        if outer is None:
            return
        if outer.kind in _LOOPS and current.role == "body":
            yield _Rest(outer, comes_round=left in ("", "round"))
            if left in ("", "round"):
                yield _Rest(outer, flow.body(outer, "else"))
            left = left if left == "function" else ""
        elif outer.kind == "try" and current.role != "finally":
            if current.role == "body" and not left:
                yield _Rest(outer, flow.body(outer, "else"))
                left = _left(flow, flow.body(outer, "else"))
            yield _Rest(outer, flow.body(outer, "finally"))
            left = left or _left(flow, flow.body(outer, "finally"))
        current = outer


def _come_to(flow: Flow, block: Sequence[Step], number: int) -> list[Step]:
    """The statements of a block behind one of this number, as far as none of them ends the block."""
    later = [step for step in block if step.number > number]
    ending = next((at for at, step in enumerate(later) if flow.ends([step])), len(later))
    return later[: ending + 1]


def _left(flow: Flow, steps: Sequence[Step]) -> _Left:
    """What these statements certainly leave, at least."""
    ending = next((step for step in steps if flow.ends([step])), None)
    if ending is None:
        return ""
    kinds = {step.kind for step in (ending, *flow.below(ending))} & _ENDS
    if "continue" in kinds:
        return "round"
    return "loop" if "break" in kinds else "function"
