"""Which expression is the result of a task."""

from __future__ import annotations

import re

from celery_lint.inventory.tasks.sendings import Sending, Sendings, Target
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.celery import (
    CANVASES,
    FINAL_STATES,
    READING_BACKENDS,
    RESULTS,
    ROWS_OF_RESULTS,
    SENDING,
    SHOWING_RESULTS,
    TELLING,
)
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once
from celery_lint.project.unseen.unparsed import UnparsedTexts

#: What waits for a result.
WAITING = frozenset({"get", "join", "join_native", "wait", "collect"})
#: A chain to a result holds one of these.
WORDS = ("delay()", "apply_async()", "apply()", "Result()", "send_task()", "celery.")
_RUNNING = SENDING | {"apply"}
_CONDITIONS = frozenset({"if", "while", "match", "assert"})
_SEVERAL = frozenset({"group", "GroupResult", "ResultSet"})
# What reads the results of others: by an id, by the backend, or as a canvas that waits for its parts.
_READING = (
    "AsyncResult",
    "GroupResult",
    "ResultSet",
    "result_from_tuple",
    *(f"celery.{module}{name}" for module in ("", "canvas.") for name in ("chord", "group")),
)
# What a result tells, as displays hold it.
_TOLD = frozenset({".state", ".status", ".result", ".info", ".traceback"})


class Result(NamedTuple):
    """The result of a task, or of several. ``task`` is the one that was sent, if that can be told.

    ``is_asked_for`` says that it is made of an id, so that nobody knows whether the task was ever sent;
    ``is_eager`` that the task has run on the spot.
    """

    task: Task | None
    several: bool
    is_asked_for: bool = False
    is_eager: bool = False


class Results:
    """Which expressions are results."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.unparsed = known.of(UnparsedTexts)

    @once
    def are_only_rows(self) -> bool:
        """Whether the product reads results as rows of Django's models, and none of them by Celery.

        None is made of an id, asked for its state or waited for, read by the backend itself, no canvas waits
        for its parts, and no views of a library show any.
        """
        if not any(ROWS_OF_RESULTS in module.imports.values() for module in self.project.product_modules()):
            return False
        reading = (*_READING, *(f".backend.{method}" for method in sorted(READING_BACKENDS)))
        if self.unparsed.hold((word, "") for word in reading) or any(self.project.holding(*reading)):
            return False
        written = self.project.deployment.written
        return not any(written.lines(word) for word in SHOWING_RESULTS) and not any(
            self._may_be_asked(sending) for sending in self.sendings.all if sending.sends
        )

    def _may_be_asked(self, sending: Sending) -> bool:
        """Whether anybody may ask what a call gives that sends a task for more than its id."""
        call, function = sending.call, sending.function
        if call.is_statement or call.in_lambda:
            return call.in_lambda
        flow = self.functions.of(sending.module, function)
        step = flow.step_of(call)
        if step is None or not call.is_bound or len(step.stores) != 1 or not step.name.isidentifier():
            return step is None or f"{call.chain}().id" not in step.chains
        result = rf"(?:{re.escape(call.chain)}\(\)|%{step.name})"
        asked = re.compile(rf"{result}(?![\w.(\[])|{result}[(\[]|{result}\.(?!(?:task_)?id\b)")
        reading = [other for other in flow.steps if step.name in other.loads]
        calls = self.functions.calls(sending.module, function)
        return any(
            not _TOLD.isdisjoint(other.loads) or any(map(asked.search, other.chains)) for other in reading
        ) or any(asked.match(each) for other in calls for each in (other.chain, *other.named))

    def of(self, module: Module, function: Function, chain: str) -> Result | None:
        """The result that a chain is: ``task.delay()``, ``group()()``, ``AsyncResult()``."""
        if not chain.endswith("()"):
            return None
        owner, _, leaf = chain[:-2].rpartition(".")
        if leaf in _RUNNING:
            return _sent(self.sendings.target(module, function, owner), leaf == "apply")
        if leaf == "send_task":
            return Result(None, False) if self.sendings.is_application(module, owner) else None
        if leaf in ("AsyncResult", "GroupResult"):
            target = self.sendings.target(module, function, owner) if owner else None
            if target is not None or (owner and self.sendings.is_application(module, owner)):
                return Result(target.task if target else None, leaf in _SEVERAL, True)
        name = self.project.resolve(module, chain).name
        if name in RESULTS:
            return Result(None, name.rpartition("Result")[0].endswith("Group") or "Set" in name, True)
        if name.endswith("()()") and name[:-2] in CANVASES:
            return Result(None, leaf.startswith("group"))
        return None

    def waited_for(self, module: Module, function: Function, call: Call) -> Result | None:
        """The result that a call waits for."""
        if not waits(call):
            return None
        found = self.of(module, function, call.chain.rpartition(".")[0])
        return self.all_of(module, function, call.items) if found is None and call.items else found

    def all_of(self, module: Module, function: Function, chains: list[str]) -> Result | None:
        """The first of what these chains are, if all of them are results."""
        found = [self.item(module, function, chain) for chain in chains]
        return found[0] if found and None not in found else None

    def item(self, module: Module, function: Function, chain: str) -> Result | None:
        """The result that a chain is, or that is an item of the result of a group."""
        if not chain.endswith("[]"):
            return self.of(module, function, chain)
        owner = chain[:-2].removesuffix(".results").removesuffix(".children")
        several = self.of(module, function, owner)
        return several._replace(several=False) if several is not None and several.several else None


def may_wait(function: Function) -> bool:
    """Whether a function may wait for a result: cheap."""
    return function.may_call(*(f".{word}" for word in WAITING)) and function.mentions(*WORDS)


def waits(call: Call) -> bool:
    """Whether a call would wait if what it is called on were a result."""
    return call.leaf() in WAITING and not call.in_lambda and not call.is_awaited


def asked_before(flow: Flow, call: Call) -> bool:
    """Whether a condition looks at the result before it is waited for: ``if result.ready():``."""
    step = flow.step_of(call)
    if step is None:
        return True
    results = _bound(flow) & set(step.loads)
    if call.items:
        return _asked_one_by_one(flow, step, call, results)
    if not results:
        return False
    told = _told_by(flow, results)
    if not call.is_unconditional:  # `result.get() if result.ready() else None`
        looks = any(f"/{name}" not in step.loads for name in results)
        if looks or any(told[name] for name in told.keys() & set(step.loads)):
            return True
    return any(
        other.kind in _CONDITIONS and (results & set(other.loads) or _asks_what_was_told(other, told))
        for other in flow.steps[: step.number + 1]
    )


def _told_by(flow: Flow, results: set[str]) -> dict[str, bool]:
    """The names bound to something that results tell, and whether it is certainly of their state."""
    found: dict[str, bool] = {}
    for step in flow.steps:
        if step.kind == "assign" and not results.isdisjoint(step.loads) and results.isdisjoint(step.stores):
            leaves = {chain.removesuffix("()").rpartition(".")[2] for chain in step.chains}
            of_states = any(f".{word}" in step.loads for word in TELLING)
            found.update(dict.fromkeys(step.stores, of_states or not TELLING.isdisjoint(leaves)))
    return found


def _asks_what_was_told(step: Step, told: dict[str, bool]) -> bool:
    """Whether a condition looks at the state that a result has told: ``if status == "SUCCESS":``."""
    names = told.keys() & set(step.loads)
    compared = any(state in chain for chain in step.chains for state in FINAL_STATES)
    return any(told[name] for name in names) or (bool(names) and compared)


def _asked_one_by_one(flow: Flow, step: Step, call: Call, containers: set[str]) -> bool:
    """Whether a condition looks at an item, or into what holds all of them: not whether that is empty."""
    receiver = call.chain.rpartition(".")[0]
    item = receiver[1:] if "." not in receiver and receiver[-1:] not in ("]", ")") else ""
    for other in flow.steps:
        if other.kind == "for" and item in other.stores:
            containers = containers | (_bound(flow) & set(other.loads))
    return any(
        other.kind in _CONDITIONS
        and (
            item in other.loads
            or any(name in other.loads and other.asks_for != f"%{name}" for name in containers)
        )
        for other in flow.steps[: step.number + 1]
    )


def _bound(flow: Flow) -> set[str]:
    return {name for step in flow.steps if step.kind == "assign" for name in step.stores}


def _sent(target: Target | None, eager: bool) -> Result | None:
    return Result(target.task, target.made in _SEVERAL, False, eager) if target is not None else None


def only_binding(flow: Flow, name: str) -> Step | None:
    """The one statement that binds a local name, if it is an assignment and there is no other."""
    if any(parameter.name == name for parameter in flow.function.parameters):
        return None
    binding = [step for step in flow.steps if name in step.stores]
    return binding[0] if len(binding) == 1 and binding[0].kind == "assign" else None
