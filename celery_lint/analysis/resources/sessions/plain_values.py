"""Which values every database takes: constants, moments, numbers, and what is made of the row itself."""

from __future__ import annotations

from collections.abc import Sequence

from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.chains import is_constant_name
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow

# Moments and counters.
_CALLS = frozenset({"now", "utcnow", "today", "time", "monotonic", "perf_counter", "len", "int", "bool"})
_MOMENTS = frozenset({"now", "utcnow", "today"})
# What such values are made of, or made to.
_PARTS = _CALLS | {"timedelta", "total_seconds", "round", "max", "min"}
#: Methods of sessions and of results that give rows which are in the database.
GIVING = tuple(
    f".{leaf}()"
    for leaf in (
        "all",
        "first",
        "get",
        "one",
        "one_or_none",
        "scalar",
        "scalar_one",
        "scalar_one_or_none",
        "scalars",
    )
)
_BUILTIN = frozenset({"len", "int", "bool", "round", "max", "min"})


def _gives_plain(leaf: str) -> bool:
    """Whether a function of this name gives a moment or a number; many projects have a ``utc_now``."""
    return leaf in _CALLS or not _MOMENTS.isdisjoint(leaf.split("_"))


def is_plain(value: str) -> bool:
    """Whether a value is one that every database takes: a constant, a moment, a number."""
    if value[:1] == "#":
        return True
    if value.endswith("()"):
        return _gives_plain(value[:-2].rpartition(".")[2].lstrip(":~%"))
    return is_constant_name(value.removesuffix(".value").removesuffix(".name"))


def is_plain_argument(given: Argument, calls: Sequence[Call] = ()) -> bool:
    """The same of what a call is given."""
    if given.kind in ("text", "constant", "absent"):
        return True
    if given.kind == "call" and calls:
        return _gives_plain(calls[given.number].leaf())
    return given.kind == "name" and is_plain(given.chain)


def sets_plain(step: Step, calls: Sequence[Call]) -> bool:
    """Whether a statement sets an attribute to such a value.

    So is one that is made of the row itself, which the database has given: ``row.failures + 1``, a text with
    numbers of it; and one of two constants, whatever decides between them.
    """
    if is_plain(step.value):
        return True
    made = [calls[number] for number in step.calls]
    if not step.loads or any(call.leaf() not in _PARTS and not _gives_plain(call.leaf()) for call in made):
        return False
    row, *others = step.loads
    between = [name for name in others if name[0] == "." and is_constant_name(name[1:])]
    known = {row, *_BUILTIN, *(part for call in made for part in call.chain.split("."))}
    known.update(part for call in made for given in call.takes for part in given.chain.split("."))
    named = [name for name in others if name not in known and name.isidentifier()]
    if len(between) > 1:
        return len([name for name in named if not name[0].isupper()]) < 2
    return not named or (len(named) == 1 and "len" in others)


def is_plain_row(flow: Flow, call: Call, calls: Sequence[Call]) -> bool:
    """Whether what a call adds is a row that is made of such values, and of empty dictionaries.

    ``session.add(Settings(id=1))``, where none was found: only another that makes it at the same moment is in
    its way, and from then on it is there. What is set of it later is a statement of its own.
    """
    given, step = call.argument(0, "instance"), flow.step_of(call)
    if call.leaf() != "add" or step is None:
        return False
    if given.kind == "call":
        return _is_made_plainly(calls[given.number], calls)
    bound = [
        other
        for other in flow.body(flow.steps[step.parent] if step.parent >= 0 else None, step.role)
        if other.kind == "assign"
        and other.number < step.number
        and (given.local in other.stores or other.value == given.chain)
    ]
    made = [calls[number] for number in bound[-1].calls] if bound else []
    return any(f"{each.chain}()" == bound[-1].value and _is_made_plainly(each, calls) for each in made)


def is_there_already(flow: Flow, call: Call) -> bool:
    """Whether what a call adds is a row that the same session has given: that adds nothing.

    What was set of it is sent with the next flush in any case.
    """
    session, given = call.chain.rpartition(".")[0], call.argument(0, "instance")
    if call.leaf() != "add" or given.kind != "name":
        return False
    if not given.local:
        return _is_given_by(session, given.chain)
    bound = [step for step in flow.steps if given.local in step.stores]
    return bool(bound) and all(_is_given_by(session, step.value) for step in bound)


def _is_given_by(session: str, value: str) -> bool:
    return value.startswith(f"{session}.") and value.endswith(GIVING)


def _is_made_plainly(made: Call, calls: Sequence[Call]) -> bool:
    """Whether a call makes an object of a class, of nothing but that."""
    return (
        made.leaf()[:1].isupper()
        and not made.is_open_ended
        and all(
            is_plain_argument(given, calls) or (given.kind == "mapping" and not given.keys)
            for given in made.takes
        )
    )
