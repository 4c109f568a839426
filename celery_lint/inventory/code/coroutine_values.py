"""Coroutines that are only used as the value that their function would return: nobody awaits them."""

from __future__ import annotations

from celery_lint.inventory.code.called import Called
from celery_lint.inventory.code.ends.targets import Targets
from celery_lint.inventory.code.unawaited import Unawaited, is_lost, may_be_lost
from celery_lint.libraries.data import DATA_BASES, DATA_DECORATORS
from celery_lint.libraries.logging import LEVELS, LOGGERS
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

# A class with one of these does something with what it is made with.
_MAKING = frozenset({"__init__", "__new__", "__post_init__"})
# What may be asked of a coroutine, and what others ask to know one.
_OF_COROUTINES = frozenset({"send", "throw", "close"})
# Functions of Python that make a number or a text of something, or refuse to.
_REFUSING = frozenset({"bool", "float", "int", "len", "str"})
_TESTS = frozenset({"if", "while"})
# How the chain of a text begins, and that of what a function of Python gives.
_MADE_OF_IT = ("'", "~")


class CoroutineValues:
    """Which coroutines are nothing but values to those who get them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.unawaited = known.of(Unawaited)
        self.targets = known.of(Targets)

    def leads_nowhere(self, module: Module, function: Function, call: Call, target: Called) -> bool:
        """Whether a call makes a coroutine that nobody awaits: nothing of its function happens then."""
        if not (target.function.is_async or target.function.decorators) or not may_be_lost(call):
            return False
        if not self.unawaited.makes_coroutine(target.module, target.function):
            return False
        flow = self.functions.of(module, function)
        return is_lost(flow, call) or self.is_one(module, flow, call)

    def is_one(self, module: Module, flow: Flow, call: Call, is_result: bool = False) -> bool:
        """Whether a coroutine is only used as a value: asked for an item or its truth, shown, or a field.

        A field of an object that holds data, or, where ``is_result`` says that the function returns the
        result of a task, a part of that; or handed to a function that makes no other use of it.
        """
        step = flow.step_of(call)
        if step is None or not call.is_bound or step.kind != "assign" or len(step.stores) != 1:
            return False
        made, used = (f"{call.chain}()", f"%{step.name}"), False
        calls = self.functions.calls(module, flow.function)
        again = _bound_again(flow, step)
        for other in flow.steps:
            if other.kind == "global" and step.name in other.stores:
                return False
            if step.name not in other.loads or other is step:
                continue
            if again is not None and not step.number < other.number <= again.number:
                continue  # the name holds something else there
            if other is again and _is_made_of(other, step.name):
                used = True
                continue
            if f"={step.name}" in other.loads or (f"{{{step.name}" in other.loads and is_result):
                used = True
                continue
            given = [calls[n] for n in other.calls if any(map(calls[n].hands_on, made))]
            chains = [other.value, *(value.chain for number in other.calls for value in calls[number].takes)]
            indexed = any(chain.startswith((f"{made[0]}[]", f"{made[1]}[]")) for chain in chains)
            if other.waits or not (given or indexed):
                return False
            if not all(
                self._holds(module, each)
                or any(self._uses_up(module, each, chain) for chain in made if each.hands_on(chain))
                for each in given
            ):
                return False
            used = True
        return used

    def _holds(self, module: Module, call: Call) -> bool:
        """Whether a call does nothing with what it is given but to log it, or to make an object of data."""
        if call.chain[:1] in "%~" or call.is_awaited:
            return False
        entity = self.project.resolve(module, call.chain)
        owner, _, leaf = entity.name.rpartition(".")
        if entity.kind == "external" and leaf in LEVELS and owner in LOGGERS:
            return True
        if entity.kind != "class" or entity.module is None:
            return False
        for base in self.project.bases(entity):
            class_ = base.class_()
            if class_ is None:
                return base.kind == "external" and base.name in DATA_BASES
            home = base.module or entity.module
            methods = self.functions.within(home, base.name)
            if not _MAKING.isdisjoint(class_.methods) or any(method.is_async for method in methods):
                return False
            if any(leaf_of_chain(decorator.chain) in DATA_DECORATORS for decorator in class_.decorators):
                return True
        return False

    def _uses_up(self, module: Module, call: Call, made: str) -> bool:
        """Whether a call runs a function that asks what it is given for what no coroutine has.

        And that hands it to nobody: ``def store(user, data): user.name = data["name"]``.
        """
        target = self.targets.of(module, call.chain)
        if target is None or not target.bare or target.unbound or call.is_open_ended or call.is_awaited:
            return False
        function = target.function
        name = "" if function.is_async or function.is_generator else function.parameter_given(call, made)
        if not name or function.hands_on(f"%{name}"):
            return False
        steps = self.functions.of(target.module, function).steps
        calls, asks = self.functions.calls(target.module, function), False
        for step in steps:
            if name in step.stores:
                return False
            if name not in step.loads:
                continue
            own = [calls[number] for number in step.calls]
            chains = [*step.chains, *(each.chain for each in own), *(v.chain for c in own for v in c.takes)]
            asked = [
                chain for chain in chains if chain.lstrip("!&|=").startswith((f"%{name}.", f"%{name}[]"))
            ]
            if any(_asked_for(chain, name) in _OF_COROUTINES for chain in asked):
                return False
            if step.parent < 0 and step.asks_for in asked:
                return True  # that raises, and what stands below is never reached
            if not asked and step.kind not in _TESTS and step.value[:1] not in _MADE_OF_IT:
                return False
            asks = asks or bool(asked)
        return asks


def _bound_again(flow: Flow, step: Step) -> Step | None:
    """The next statement of the same block that binds a name to something else: `x = int(x) if x else 0`."""
    block = flow.body(flow.steps[step.parent] if step.parent >= 0 else None, step.role)
    return next(
        (
            other
            for other in block
            if other.number > step.number and other.kind == "assign" and other.stores == step.stores
        ),
        None,
    )


def _is_made_of(step: Step, name: str) -> bool:
    """Whether a statement keeps a number or a text that it makes of a name: `int(x) if x else 0`.

    Such functions of Python are no calls that are kept.
    """
    loads = {load.lstrip("!=") for load in step.loads}
    return not step.calls and name in loads and len(loads) > 1 and loads <= {name, *_REFUSING}


def _asked_for(chain: str, name: str) -> str:
    """The first attribute that a chain asks a name for."""
    return chain.lstrip("!&|=")[len(name) + 2 :].partition(".")[0].rstrip("()[]")
