"""Rows that functions of the project make and hand back, and leave their commit to whoever calls them."""

from __future__ import annotations

from typing import NamedTuple

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Class, Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.known import Known

_DEEPEST = 3
_ADD = "add"
# Who says one of these may end the transaction itself.
_ENDING = ("commit", "begin", "transaction", "listen")
# What repositories call the class of their rows: `self.model(**values)`.
_ROW_CLASSES = ("model", "cls")


class GivenSession(NamedTuple):
    """A session as a function knows it, and the statement there that hands it over, if any does."""

    chain: str
    step: Step | None


class MadeRows:
    """What calls give new rows to a session, and end no transaction."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self._own: dict[Key, str] = {}

    def session(
        self, module: Module, function: Function, call: Call, depth: int = _DEEPEST
    ) -> GivenSession | None:
        """The session that gets the row which a call gives, as the caller knows it; ``None`` for none."""
        target = self.graph.target(module, call.chain) if not call.in_lambda else None
        if target is None or target[1].decorators or target[1].is_async != call.is_awaited or not depth:
            return None
        home, helper = target
        key = (home.path, helper.qualname)
        if key not in self._own:
            self._own[key] = ""  # one that calls itself
            self._own[key] = self._in(home, helper, depth)
        own = self._own[key]
        attribute = own.removeprefix(f":{helper.owner}().") if helper.owner else own
        step = self.functions.of(module, function).step_of(call)
        if attribute != own:
            return self._of_object(module, function, call, attribute) if attribute.isidentifier() else None
        for parameter in helper.parameters if own else ():
            if own in (f"%{parameter.name}", f"{parameter.annotation}()"):
                chain = filling(call, helper, parameter.name)
                return GivenSession(chain, step) if chain else None
        return None

    # ------------------------------------------------------------------ in the function that makes it

    def _in(self, module: Module, function: Function, depth: int) -> str:
        """The session, as a function knows it, that gets each row which it gives."""
        if function.is_generator or function.name == "__init__":
            return ""
        if any(inner.mentions(*_ENDING) for _, inner in self.graph.closure(module, function)):
            return ""
        given = [
            step
            for step in self.functions.of(module, function).steps
            if step.kind == "return" and step.value != "#None"
        ]
        found = {self._of_returned(module, function, step, depth) for step in given}
        return found.pop() if len(found) == 1 else ""

    def _of_returned(self, module: Module, function: Function, step: Step, depth: int) -> str:
        """The session that gets what a statement returns: the row itself, or what another function gives."""
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        for name in step.loads:
            binding = [other for other in flow.steps if name in other.stores]
            if len(binding) != 1 or binding[0].kind != "assign" or binding[0].value != step.value:
                continue
            if _makes_a_row(binding[0]):
                for call in calls:
                    added = flow.step_of(call) if call.leaf() == _ADD and not call.in_lambda else None
                    if added is not None and added.kind == "expr" and name in added.loads:
                        return call.chain.rpartition(".")[0]
                return ""
            step = binding[0]
        made = [calls[number] for number in step.calls if step.value == f"{calls[number].chain}()"]
        session = self.session(module, function, made[0], depth - 1) if len(made) == 1 else None
        return session.chain if session is not None else ""

    # ------------------------------------------------------------------ whose session that is

    def _of_object(
        self, module: Module, function: Function, call: Call, attribute: str
    ) -> GivenSession | None:
        """The session in an attribute of the object whose method is called, as the caller knows it."""
        owner, itself = call.chain.rpartition(".")[0], f":{function.owner}()"
        if function.owner and owner == itself:
            return GivenSession(f"{itself}.{attribute}", None)
        if function.owner and owner.startswith(f"{itself}."):
            beside = self._beside(module, function.owner, owner.removeprefix(f"{itself}."))
            return GivenSession(f"{itself}.{beside}", None) if beside else None
        calls = self.functions.calls(module, function)
        made = [each for each in calls if f"{each.chain}()" == owner and not each.in_lambda]
        if len(made) != 1:
            return None
        chain = self._made_with(module, made[0], attribute)
        return GivenSession(chain, self.functions.of(module, function).step_of(made[0])) if chain else None

    def _beside(self, module: Module, owner: str, name: str) -> str:
        """The attribute that keeps what the object in another attribute is made with."""
        class_, init = module.classes.get(owner), module.functions.get(f"{owner}.__init__")
        values = class_.attributes.get(name, ()) if class_ is not None else ()
        if class_ is None or init is None or len(values) != 1 or values[0].kind != "call":
            return ""
        calls = self.functions.calls(module, init)
        made = [call for call in calls if call.chain == values[0].chain]
        given = _only(made[0]) if len(made) == 1 else ""
        kept = [key for key in class_.attributes if given and _keeps(class_, key, given)]
        return kept[0] if len(kept) == 1 else ""

    def _made_with(self, module: Module, call: Call, attribute: str) -> str:
        """What an object is made with and keeps in an attribute; its only argument where that is not seen."""
        entity = self.project.resolve(module, call.chain)
        class_ = entity.class_() if entity.kind == "class" else None
        init = (
            entity.module.functions.get(f"{class_.qualname}.__init__") if class_ and entity.module else None
        )
        parameter = kept_parameter(class_, init, attribute) if class_ is not None and init is not None else ""
        return filling(call, init, parameter) if init is not None and parameter else _only(call)


def kept_parameter(class_: Class, init: Function, attribute: str) -> str:
    """The parameter that a constructor puts into an attribute."""
    for parameter in init.parameters:
        if any(_keeps(class_, attribute, c) for c in (f"%{parameter.name}", f"{parameter.annotation}()")):
            return parameter.name
    return ""


def filling(call: Call, function: Function, parameter: str) -> str:
    """The chain of what a call fills a parameter with."""
    if call.is_open_ended:
        return ""
    filled = function.filled()
    argument: Argument = call.keyword(parameter)
    if not argument and parameter in filled:
        argument = call.argument(filled.index(parameter))
    return argument.chain if argument.kind == "name" else ""


def _keeps(class_: Class, attribute: str, chain: str) -> bool:
    values = class_.attributes.get(attribute, ())
    return len(values) == 1 and values[0].kind == "name" and values[0].chain == chain


def _only(call: Call) -> str:
    """The chain of the only thing that a call takes."""
    given = call.takes
    return given[0].chain if len(given) == 1 and given[0].kind == "name" and not call.is_open_ended else ""


def _makes_a_row(step: Step) -> bool:
    """Whether a statement binds an object that it makes: of a class, or of what holds one."""
    leaf = leaf_of_chain(step.value.removesuffix("()"))
    return step.value.endswith("()") and (leaf[:1].isupper() or leaf.endswith(_ROW_CLASSES))
