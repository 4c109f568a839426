"""What a call gives its function for certain, and the branches that this closes."""

from __future__ import annotations

from collections.abc import Sequence

from celery_lint.inventory.tasks.sendings import Given as Arguments
from celery_lint.inventory.tasks.signatures import Signature
from celery_lint.model.arguments import Argument, unpack_argument
from celery_lint.model.calls import Call
from celery_lint.model.chains import is_constant_name
from celery_lint.model.facts import Constant, Function
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow

Given = tuple[tuple[str, tuple[Constant, bool]], ...]
"""The parameters whose value is known, by name: the constant, and whether it is true.

What is no constant but certainly true, as a list with something in it, is ``("[", True)``; a constant of
which only the name is known, as ``Kind.ALL``, is its chain behind ``=``. A name that is no identifier is what
a test asks for instead of a parameter: ``django.conf.settings.DEBUG``. A parameter with a class for its type
is asked for as an object of that: one that is ``None`` is there as ``shop.Order() order``, too.
"""

#: Where a project keeps what is on and what is off.
SETTINGS = ("settings", "config")
_FILLED = "["
_NAMED = "="
# Decorators that leave the arguments of a call as they are.
_PLAIN = frozenset({"~staticmethod", "~classmethod", "staticmethod", "classmethod"})
_ASKING = frozenset({"if", "while"})
_LEAVING = frozenset({"return", "raise", "continue", "break"})


def given_by(call: Call, function: Function, flow: Flow, known: Given) -> Given:
    """The parameters of a function that a call fills with what is known, and that decide something there.

    ``flow`` are the statements of the function, ``known`` what its caller is given itself.
    """
    if not function.parameters or not (function.has("if") or function.has("while") or function.packed_calls):
        return ()
    filled = function.filled()
    open_ended = call.is_open_ended
    plain = all(decorator.chain in _PLAIN for decorator in function.decorators)
    # One that hands something on by itself leaves less to give.
    kept = plain or (not open_ended and _fills_all(call, function, filled))
    exact = kept and len(call.positional) <= len(filled)  # not `Base.__init__(self, x)`
    found: list[tuple[str, tuple[Constant, bool]]] = []
    for parameter in function.parameters:
        name = parameter.name
        if parameter.kind not in ("positional", "keyword"):
            continue
        if not _decides(function, name, parameter.annotation):
            continue
        argument = call.keyword(name)
        if not argument and exact and name in filled:
            argument = call.argument(filled.index(name))
        if not argument and plain and not open_ended and parameter.default[:1] in ("#", "'"):
            if not exact or (name in filled and filled.index(name) < len(call.positional)):
                continue
            argument = unpack_argument(parameter.default)
        value = _value(argument, known)
        if value is not None and not any(name in step.stores for step in flow.steps):
            found.append((name, value))
            if value[0] is None and parameter.annotation:
                found.append((f"{parameter.annotation}() {name}", value))
    return tuple(found)


def given_by_message(signature: Signature, arguments: Arguments, function: Function, flow: Flow) -> Given:
    """The parameters of a task that a message fills with constants, or leaves at a default that is one."""
    filled = dict(zip(signature.positional, arguments.positional, strict=False)) | dict(arguments.keywords)
    open_ended = arguments.more_positional or arguments.more_keywords
    found: list[tuple[str, tuple[Constant, bool]]] = []
    for parameter in function.parameters:
        name = parameter.name
        if name not in (*signature.positional, *signature.keyword_only) or not _decides(function, name):
            continue
        value: tuple[Constant, bool] | None = None
        if name in filled:
            if filled[name].kind == "constant":
                value = filled[name].data, bool(filled[name].data)
        elif not open_ended and parameter.default[:1] in ("#", "'"):
            value = _value(unpack_argument(parameter.default), ())
        if value is not None and not any(name in step.stores for step in flow.steps):
            found.append((name, value))
    return tuple(found)


def constants_in(given: Given) -> dict[str, Constant]:
    """The parameters of which the very value is known."""
    return {
        name: data
        for name, (data, _) in given
        if name.isidentifier() and not (isinstance(data, str) and data[:1] in (_FILLED, _NAMED))
    }


def _fills_all(call: Call, function: Function, filled: Sequence[str]) -> bool:
    """Whether a call gives every parameter that has to be given."""
    given = {*filled[: len(call.positional)], *(argument.keyword for argument in call.takes)}
    own = set(function.first() or ()) if function.owner else set()
    return all(
        parameter.name in given or parameter.name in own or not parameter.required
        for parameter in function.parameters
    )


def _decides(function: Function, name: str, annotation: str = "") -> bool:
    """Whether a test of the function may ask for a parameter, or one of those that it is handed on to."""
    return (
        function.states(f"%{name}")
        or function.hands_on(f"%{name}")
        or f":=%{name}" in function.packed_calls
        or (annotation != "" and function.states(f"{annotation}()"))
    )


def _value(argument: Argument, known: Given) -> tuple[Constant, bool] | None:
    if argument.kind in ("constant", "text"):
        return argument.data, bool(argument.data)
    if argument.is_filled:
        return _FILLED, True
    if argument.kind == "name" and is_constant_name(argument.chain):
        return _NAMED + argument.chain, True
    if argument.chain[:1] == "%":
        return next((value for name, value in known if name in (argument.local, argument.chain)), None)
    return None


def told_around(flow: Flow, step: Step) -> Given:
    """The variables that tests around a statement have found to hold constants: ``if kind == "card":``."""
    found: list[tuple[str, tuple[Constant, bool]]] = []
    current = step
    for outer in flow.ancestors(step):
        if outer.kind == "if" and current.role == "body":
            first, *others = outer.chains or ("",)
            stored = {name for inner in flow.steps[outer.number + 1 : step.number] for name in inner.stores}
            for word in others if first == "&" else (first,) if not others else ():
                name, _, other = word.removeprefix("=").partition(":")
                is_constant = other[:1] in ("'", "#") and other != "#None"
                known = name[1:] if name[1:].isidentifier() else _bound_once(flow, outer, name)
                if name[:1] == "%" and known and is_constant and known not in stored:
                    data = unpack_argument(other).data
                    found.append((known if name[1:] == known else name, (data, bool(data))))
        current = outer
    return tuple(found)


def _bound_once(flow: Flow, test: Step, chain: str) -> str:
    """The variable that stands in chains as what it is bound to, and that a test asks for."""
    bound = [
        name for step in flow.steps if step.value == chain and step.kind == "assign" for name in step.stores
    ]
    return bound[0] if len(bound) == 1 and bound[0] in test.loads else ""


def is_closed(flow: Flow, step: Step, given: Given) -> bool:
    """Whether a function that is given these values never comes to a statement."""
    current = step
    for around in (*flow.ancestors(step), None):
        if around is not None and around.kind in _ASKING and current.role in ("body", "else"):
            holds = truth(around, given)
            if (
                holds is not None
                and holds is (current.role == "else")
                and not (around.kind == "while" and current.role == "else")
            ):
                return True
        before = [other for other in flow.body(around, current.role) if other.number < current.number]
        if _leaves(flow, before, given):
            return True
        if around is not None:
            current = around
    return False


def _leaves(flow: Flow, steps: Sequence[Step], given: Given) -> bool:
    """Whether what follows these statements is never come to, because of a test that is decided."""
    return any(step.kind in ("if", "with") and _always_leaves(flow, step, given) for step in steps)


def _always_leaves(flow: Flow, step: Step, given: Given) -> bool:
    if step.kind in _LEAVING:
        return True
    if step.kind == "with":
        return any(_always_leaves(flow, inner, given) for inner in flow.body(step))
    if step.kind != "if":
        return False
    holds = truth(step, given)
    parts = ["body", "else"] if holds is None else ["body" if holds else "else"]
    return all(any(_always_leaves(flow, inner, given) for inner in flow.body(step, part)) for part in parts)


def truth(test: Step, given: Given) -> bool | None:
    """Whether the test of an ``if`` or ``while`` holds for these values; ``None`` where they do not say."""
    if not test.chains:
        return None
    first, *others = test.chains
    if first in ("&", "|"):
        parts = [_part(word, given) for word in others]
        decisive = first == "|"
        if any(part is decisive for part in parts):
            return decisive
        return None if None in parts else not decisive
    asked = asked_of(test)
    if asked:
        holds = next((value[1] for name, value in given if name == asked or _is(name, asked, test)), None)
        return None if holds is None else holds is not test.asks_in_the_negative
    if others and others != ["#None"]:
        return None
    return _part(f"{first.removeprefix('=')}:#None" if others else first.removeprefix("="), given)


def _is(name: str, asked: str, test: Step) -> bool:
    """Whether a test asks for a parameter that stands in chains as an object of its class."""
    chain, _, parameter = name.partition(" ")
    return chain == asked and parameter in test.loads


def asked_of(test: Step) -> str:
    """What a test asks for that is no variable, in one word: `settings.DEBUG`, `config[]'DEBUG`."""
    first, *others = test.chains or ("",)
    word = first.lstrip("!")
    if word[:1] in ("%", "=", "&", "|", "") or (others and others[0][:1] != "'"):
        return ""
    return word + "".join(others)


def settings_asked_for(test: Step) -> list[str]:
    """What a test asks settings for, as words: `settings.MAIL`, `config[]'MAIL`."""
    return [word for word in asked_in(test) if any(part in word.lower() for part in SETTINGS)]


def asked_in(test: Step) -> list[str]:
    """What a test, or a part of it, asks for that is no variable, as words."""
    if test.value in ("&", "|"):
        return [word.lstrip("!") for word in test.chains[1:]]
    return [asked_of(test)]


def compared_in(test: Step) -> list[tuple[str, str]]:
    """The variables that a test compares with constants that have names, and these, behind ``=``."""
    words = test.chains[1:] if test.value in ("&", "|") else test.chains[:1]
    pairs = [word.lstrip("=!").partition(":") for word in words if word.lstrip("=!")[:1] == "%"]
    return [(name[1:], other) for name, _, other in pairs if other[:1] == _NAMED]


def key_of(word: str) -> str:
    """The name of the setting that such a word asks for."""
    chain, _, key = word.partition("'")
    return key or chain.rpartition(".")[2]


def _part(word: str, given: Given) -> bool | None:
    asked = word.lstrip("!")
    negative = word.startswith("!")
    name, _, other = asked.partition(":") if asked[:1] == "%" else (asked, "", "")
    value = next((value for known, value in given if name in (known, f"%{known}")), None)
    if value is None:
        return None
    data, holds = value
    named = isinstance(data, str) and data[:1] == _NAMED
    text = next((told for known, told in given if known == other), None) if not named else None
    if text is not None and data != _FILLED:
        return (text[0] == data) is not negative
    if not other:
        return None if named else holds is not negative
    if other == "#None":  # `x is None` is told by the mark before it
        return None if named else (data is not None) is not negative
    if named or other[:1] == _NAMED:
        result = _same_name(data, other)
    elif data == _FILLED and holds:
        result = None
    else:
        compared = unpack_argument(other).data
        result = type(compared) is type(data) and compared == data
        if not result and isinstance(compared, (int, float)) and isinstance(data, (int, float)):
            result = compared == data
    return None if result is None else result is not negative


def _same_name(data: Constant, other: str) -> bool | None:
    """Whether two constants with names are the same; ``None`` where one of them has none."""
    if not isinstance(data, str) or data[:1] != _NAMED or other[:1] != _NAMED:
        return None
    return data.rpartition(".")[2].lstrip("=:~") == other.rpartition(".")[2].lstrip("=:~")
