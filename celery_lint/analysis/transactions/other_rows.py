"""Tasks that get a column of a row, and look for rows of another table with it."""

from __future__ import annotations

import re

from celery_lint.analysis.transactions.carried import spelled
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.sendings import Sending
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.django import MANAGERS
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_CONVERTING = ("~str", "~int")
# Methods that follow a relation by a text.
_FOLLOWING = (".select_related", ".prefetch_related", ".values", ".values_list", ".only")


class OtherRows:
    """What messages tell of rows that their tasks do not read: ``charge.delay(payment.order_id)``.

    Models stand in files that are as a rule not read, so they are known by their names.
    """

    def __init__(self, known: Known) -> None:
        self.functions = known.project.functions
        self.signatures = known.of(Signatures)
        self.graph = known.of(CallGraph)

    def of(self, sending: Sending, task: Task, names: set[str]) -> set[str]:
        """The variables that hold rows of a table that a task never comes to.

        It gets nothing of them but the key of another row, and looks for rows of another model with it.
        """
        given, signature = sending.given, self.signatures.of(task)
        if given is None or signature is None or given.more_positional or given.more_keywords:
            return set()
        filled = [*zip(signature.positional, given.positional, strict=False), *given.keywords]
        filled = [(parameter, _converted(value)) for parameter, value in filled]
        if task.function is None or any(value.kind not in ("name", "constant") for _, value in filled):
            return set()  # a row may be anywhere in it
        flow = self.functions.of(sending.module, sending.function)
        found = set()
        for name, owners in spelled(flow, sending).items():
            told = [(parameter, value.chain.rpartition(".")) for parameter, value in filled]
            told = [(parameter, chain) for parameter, chain in told if _begins("".join(chain), owners)]
            model = _model_of(sending.function, flow, name) if told and name in names else ""
            if model and all(
                owner in owners
                and _is_of_another(column, model)
                and self._is_looked_for(task.module, task.function, parameter, model)
                for parameter, (owner, _, column) in told
            ):
                found |= {name} - ({name} if self._is_named(task, task.function, model) else set())
        return found

    def _is_looked_for(self, module: Module, function: Function, parameter: str, model: str) -> bool:
        """Whether a task looks for rows of another model with what a parameter gets."""
        return any(
            any(given.chain == f"%{parameter}" for given in call.takes)
            and (owner := _owner(f"{call.chain}()")) != ""
            and leaf_of_chain(owner) != model
            for call in self.functions.calls(module, function)
            if call.chain[:1] != "%"
        )

    def _is_named(self, task: Task, function: Function, model: str) -> bool:
        """Whether anything that a task runs speaks of a model, or follows what may lead to its rows."""
        own = re.escape(model)
        low = re.escape(model.lower())
        spaced = re.escape(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model).lower())
        leading = f"(?:{low}|{spaced})(?:s|es|_set)?"
        said = re.compile(rf"\b{own}\b|\.{leading}\b|\b{leading}__")
        followed = re.compile(rf"\b{leading}\b")
        for _, inner in self.graph.deep_closure(self.graph.home(task), function):
            packed = f"{inner.packed_calls}\n{inner.packed_steps}"
            if said.search(packed) or (inner.may_call(*_FOLLOWING) and followed.search(packed)):
                return True
        return False


def _begins(chain: str, owners: set[str]) -> bool:
    return any(chain == owner or chain.startswith(f"{owner}.") for owner in owners)


def _converted(value: Value) -> Value:
    inner = value.first() if value.kind == "call" and value.chain in _CONVERTING else None
    return inner if inner is not None else value


def _model_of(function: Function, flow: Flow, name: str) -> str:
    """The name of the model of the row that a variable or a parameter holds, if it is always the same."""
    found = {leaf_of_chain(_owner(step.value)) for step in flow.steps if name in step.stores}
    found |= {leaf_of_chain(each.annotation) for each in function.parameters if each.name == name}
    model = found.pop() if len(found) == 1 else ""
    return model if model[:1].isupper() and model.isidentifier() else ""


def _owner(chain: str) -> str:
    """The chain of the class that a row comes from: ``Order.objects.get()``."""
    return next((chain.partition(manager)[0] for manager in MANAGERS if manager in chain), "")


def _is_of_another(column: str, model: str) -> bool:
    """Whether a column is the key of another row, here or elsewhere: ``order_id``, ``remote_id``."""
    own = column.removesuffix("_id").replace("_", "")
    return column.endswith("_id") and column.isidentifier() and own not in ("", model.lower())
