"""Coroutines that nobody awaits, as far as the function shows that makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.tasks.layers import Layers
from celery_lint.libraries.asyncio import SYNC_TO_ASYNC
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

# Decorators that leave a coroutine function what it is.
_HARMLESS = frozenset({"~staticmethod", "~classmethod", "typing.override", "typing_extensions.override"})
_WRAPS = "functools.wraps"
# What a run says of something that is no coroutine: `a coroutine was expected`.
_REFUSED = frozenset(
    {"~TypeError", "builtins.TypeError", "~ValueError", "builtins.ValueError", "~AttributeError"}
)
_ASKING = "iscoroutinefunction"


def makes_coroutine(module: Module, function: Function) -> bool:
    """Whether calling a function gives a coroutine: no decorator, no other definition says otherwise."""
    return function.is_async and not function.is_generator and is_left_alone(module, function)


def makes_generator(module: Module, function: Function) -> bool:
    """Whether calling a function gives a generator, which ``with`` refuses by a TypeError."""
    return function.is_generator and is_left_alone(module, function)


def is_left_alone(module: Module, function: Function) -> bool:
    """Whether no decorator and no other definition makes something else of a function."""
    return all(map(_is_harmless, function.decorators)) and _is_defined_once(module, function)


def _is_harmless(decorator: Value) -> bool:
    return decorator.kind == "name" and decorator.chain in _HARMLESS


def _is_defined_once(module: Module, function: Function) -> bool:
    owner = module.classes.get(function.owner)
    if function.qualname in module.bindings or (owner is not None and function.name in owner.attributes):
        return False  # `load = async_to_sync(load)`
    return not module.functions.again(function.qualname)


def may_fit(function: Function, call: Call, bound: bool, unbound: bool = False) -> bool:
    """Whether a function may take the arguments of a call: with others nothing is made, Python refuses.

    ``bound``: it is certainly called by an object, which comes before the arguments of a method;
    ``unbound``: it is certainly called without.
    """
    if call.is_open_ended or len(call.positional) >= 8 or len(call.takes) >= 24:
        return True  # more of them may not be kept
    own = 0 if any(value.chain == "~staticmethod" for value in function.decorators) else 1
    ahead = ({own} if bound else {0, own}) if function.owner and not unbound else {0}
    return any(_fits(function, call, before) for before in ahead)


def _fits(function: Function, call: Call, before: int) -> bool:
    """Whether a function takes the arguments of a call with so many in front of them."""
    parameters = function.parameters
    kinds = {parameter.kind for parameter in parameters}
    places = [parameter.name for parameter in parameters if parameter.kind == "positional"]
    count = before + len(call.positional)
    names = {argument.keyword for argument in call.takes if argument.keyword}
    takes = {parameter.name for parameter in parameters if parameter.kind in ("positional", "keyword")}
    if (count > len(places) and "*" not in kinds) or ("**" not in kinds and not names <= takes):
        return False
    filled = {*names, *places[:count]}
    return all(not p.required or p.name in filled for p in parameters if p.kind in ("positional", "keyword"))


def may_be_lost(call: Call) -> bool:
    """Whether what a call gives is a statement of its own or is bound to a name, and nothing else."""
    kept = call.is_awaited or call.is_returned or call.is_argument
    return (call.is_statement or call.is_bound) and not (kept or call.in_lambda or call.is_decorator)


def is_lost(flow: Flow, call: Call) -> bool:
    """Whether nobody can use what a call gives: it is dropped, or bound to a name that is never read."""
    if call.is_statement:
        return True
    step = flow.step_of(call)
    if step is None or step.kind != "assign" or len(step.stores) != 1:
        return False
    name = step.name
    return not any(
        name in other.loads or (other.kind == "global" and name in other.stores) for other in flow.steps
    )


def is_for_plain_functions(flow: Flow, calls: Sequence[Call], call: Call) -> bool:
    """Whether a call is made only if its function makes no coroutine: as it makes one, no run comes there.

    In ``except TypeError`` behind a run of what the same call gives, and where ``iscoroutinefunction(load)``
    says no.
    """
    step = flow.step_of(call)
    while step is not None:
        outer = flow.steps[step.parent] if step.parent >= 0 else None
        if step.kind == "handler" and outer is not None and _REFUSED.issuperset(step.chains or ("",)):
            tried = (calls[number] for each in flow.body(outer) for number in _calls_below(flow, each))
            if any(each.chain == call.chain and (each.is_argument or each.is_awaited) for each in tried):
                return True
        for before in flow.body(outer, step.role):
            if before.number >= step.number:
                break
            if _asks(before, calls, call) == "yes" and flow.ends(flow.body(before)):
                return True
        if outer is not None and _asks(outer, calls, call) == ("yes" if step.role == "else" else "no"):
            return True
        step = outer
    return False


def is_refusal_caught(flow: Flow, call: Call) -> bool:
    """Whether a ``try`` around a run has a handler for what it says of something that is no coroutine."""
    step = flow.step_of(call)
    return step is not None and any(
        not _REFUSED.isdisjoint(handler.chains)
        for attempt in flow.attempts(step)
        for handler in flow.body(attempt, "handler")
    )


def _calls_below(flow: Flow, step: Step) -> Iterator[int]:
    yield from step.calls
    for inner in flow.below(step):
        yield from inner.calls


def _asks(step: Step, calls: Sequence[Call], call: Call) -> str:
    """Whether the body of an ``if`` is for coroutine functions (``yes``) or for others (``no``)."""
    if step.kind != "if" or not step.value.endswith(f"{_ASKING}()"):
        return ""
    asked = any(calls[number].argument(0).chain == call.chain for number in step.calls)
    return ("no" if step.value[:1] == "!" else "yes") if asked else ""


class Unawaited:
    """Calls of functions of the project that give a coroutine, also where a decorator makes that of them."""

    def __init__(self, known: Known) -> None:
        self.layers = known.of(Layers)

    def makes_coroutine(self, module: Module, function: Function) -> bool:
        """Whether calling a function gives a coroutine, by itself or by its outermost decorator."""
        if not function.decorators:
            return makes_coroutine(module, function)
        outer = next((value for value in function.decorators if not _is_harmless(value)), None)
        if outer is None:
            return makes_coroutine(module, function)
        made = outer.chain in SYNC_TO_ASYNC and not function.is_async
        return (made or self._wraps(module, outer)) and _is_defined_once(module, function)

    def _wraps(self, module: Module, decorator: Value) -> bool:
        """Whether a decorator of the project certainly puts an ``async def`` in the place of a function."""
        layer = self.layers.decorated(module, decorator)
        for home, function, _ in layer:
            plain = all(value.chain == _WRAPS for value in function.decorators)
            outer = home.functions.get(function.parent)
            if not (function.is_async and plain) or function.is_generator or outer is None:
                return False
            own = function.qualname.partition("@")[0]  # of a decorator that is defined twice
            if any(value.chain != f":{own}" for value in outer.returns):
                return False
        return bool(layer)


def below_with(flow: Flow, call: Call) -> Iterator[int]:
    """The calls in the block of a ``with`` that begins with this call: none is made if that is refused."""
    step = flow.step_of(call)
    for inner in flow.below(step) if step is not None and step.kind == "with" else ():
        yield from inner.calls


def made_names(flow: Flow) -> set[str]:
    """The names that a function binds itself, parameters and inner definitions apart."""
    return {name for step in flow.steps if step.kind in ("assign", "with", "for") for name in step.stores}


def is_only_returned(flow: Flow, call: Call) -> bool:
    """Whether all that a function does with what a call gives is to return it, at once or by a name."""
    if call.is_returned:
        return not (call.is_awaited or call.is_argument or call.in_lambda)
    step = flow.step_of(call)
    if not call.is_bound or step is None or step.kind != "assign" or len(step.stores) != 1:
        return False
    uses = [other for other in flow.steps if step.name in other.loads]
    return bool(uses) and all(use.kind == "return" and use.value == f"{call.chain}()" for use in uses)
