"""What of a row the message for a task carries: what the row is known by, or a text that is used as it is."""

from __future__ import annotations

import re

from celery_lint.analysis.transactions.unrelated import Unrelated
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import is_log
from celery_lint.inventory.tasks.sendings import Sending
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_CONVERTING = ("~str", "~int")
# What rows are known by, whatever the task does with it.
_KEY = re.compile(r"(^|_)(pk|id|ids|key|uuid|guid|slug|token|code|email|username|number|ref|reference)$")


class Carried:
    """What messages carry of the rows that are named in the calls that send them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.signatures = known.of(Signatures)
        self.unrelated = known.of(Unrelated)
        self.graph = known.of(CallGraph)

    def as_text(self, sending: Sending, task: Task) -> set[str]:
        """The variables of which a task gets nothing but texts that it looks for no row with.

        Such a task reads other rows, so it says nothing of it whether that one is committed.
        """
        given, signature = sending.given, self.signatures.of(task)
        if given is None or signature is None or given.more_positional or given.more_keywords:
            return set()
        if len(given.positional) > len(signature.positional) or task.function is None:
            return set()
        filled = [*zip(signature.positional, given.positional, strict=False), *given.keywords]
        if any(value.kind not in ("name", "constant") for _, value in filled):
            return set()  # a row may be anywhere in it
        texts: set[str] = set()
        rows: set[str] = set()
        variables = spelled(self.functions.of(sending.module, sending.function), sending)
        for parameter, value in filled:
            owner, _, attribute = value.chain.rpartition(".")
            plain = self._is_text(attribute) and self._is_only_told(task.module, task.function, parameter)
            for name, chains in variables.items():
                if value.chain in chains or any(value.chain.startswith(f"{chain}.") for chain in chains):
                    (texts if plain and owner in chains else rows).add(name)
        return texts - rows

    def is_unread(self, sending: Sending, task: Task) -> bool:
        """Whether a message holds keys of rows under names alone of which nothing speaks that its task runs.

        ``notify.delay("created", {"order_id": str(order.id)})``: it may store or show them, and looks for no
        row with them.
        """
        given, signature = sending.given, self.signatures.of(task)
        if given is None or signature is None or given.more_positional or given.more_keywords:
            return False
        names: set[str] = set()
        messages: set[str] = set()
        for parameter, value in (*zip(signature.positional, given.positional, strict=False), *given.keywords):
            if value.kind == "mapping" and value.keywords:
                names |= {key for key, held in value.keywords if _may_be_key(key, held)}
                messages.add(parameter)
            elif value.kind != "constant":
                return False
        if task.function is None or not names or not all(map(str.isidentifier, names)):
            return False
        running = self.graph.deep_closure(self.graph.home(task), task.function)
        if any(function.mentions(*names) or function.states(*names) for _, function in running):
            return False
        for module, function in running:
            messages |= self._handed_on(module, function, messages)
        return not any(self._may_look_into(*inner, messages) for inner in running)

    def _handed_on(self, module: Module, function: Function, messages: set[str]) -> set[str]:
        """The parameters of other functions that get what a message holds."""
        found: set[str] = set()
        for call in self.functions.calls(module, function):
            for given in call.takes:
                target = self.graph.target(module, call.chain) if given.chain[1:] in messages else None
                if target is not None:
                    found.add(target[1].parameter_given(call, given.chain))
        return found - {""}

    def _may_look_into(self, module: Module, function: Function, messages: set[str]) -> bool:
        """Whether a function may take something out of a message by who knows what name, or go through it."""
        calls = self.functions.calls(module, function)
        for step in self.functions.of(module, function).steps:
            for name in messages.intersection(step.loads):
                own = [calls[number] for number in step.calls]
                asked = any(call.chain == f"%{name}.get" for call in own)
                handed = [call for call in own if any(given.chain == f"%{name}" for given in call.takes)]
                if not all(self._is_in_sight(module, call) for call in handed):
                    return True
                walked = any(call.chain.startswith(f"%{name}.") and call.leaf() != "get" for call in own)
                shown = is_log(step) or step.kind in ("if", "augment")  # `text += f"{payload['name']}"`
                shown = shown and all(f"{call.chain}()" == step.value for call in own)
                if step.kind != "def" and (step.kind == "for" or walked or not (asked or handed or shown)):
                    return True
        return False

    def _is_in_sight(self, module: Module, call: Call) -> bool:
        """Whether it is known what a call does with what it gets: it is of the project, or asks nothing."""
        if self.graph.target(module, call.chain) is not None:
            return True
        made = self.project.resolve(module, call.chain).kind == "class"
        return made or self.unrelated.asks_nothing(module, call)

    @staticmethod
    def _is_text(attribute: str) -> bool:
        return attribute.isidentifier() and _KEY.search(attribute) is None

    def _is_only_told(self, module: Module, function: Function, parameter: str) -> bool:
        """Whether a function hands a parameter on to nothing that may look for a row with it."""
        chain = f"%{parameter}"
        flow = self.functions.of(module, function)
        if any(chain in step.chains for step in flow.steps if step.kind in ("assign", "for", "with")):
            return False
        for call in self.functions.calls(module, function):
            if any(given.chain.partition(".")[0] == chain for given in call.takes):
                step = flow.step_of(call)
                if not (step is not None and is_log(step)) and not self.unrelated.asks_nothing(module, call):
                    return False
        return True


def spelled(flow: Flow, sending: Sending) -> dict[str, set[str]]:
    """The variables of a call that sends, each with the chains that its attributes begin with."""
    step = flow.step_of(sending.call)
    found = {name: {f"%{name}"} for name in (step.loads if step is not None else ())}
    for other in flow.steps:
        for name in other.stores:
            if other.kind == "assign" and name in found and other.value:
                found[name].add(other.value)
    for parameter in sending.function.parameters:
        if parameter.annotation and parameter.name in found:
            found[parameter.name].add(f"{parameter.annotation}()")
    return found


def _may_be_key(name: str, value: Value) -> bool:
    """Whether what a mapping holds under a name may be what a row is known by."""
    inner = value.first() if value.kind == "call" and value.chain in _CONVERTING else value
    if inner is None or inner.kind == "constant" or inner.is_text():
        return False
    known = inner.kind == "name" and _KEY.search(leaf_of_chain(inner.chain)) is None
    return not known or _KEY.search(name) is not None
