"""What ``starmap`` and ``chunks`` are to unpack into the arguments of a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_UNPACKING = ("starmap", "chunks")


class BareItem(NamedTuple):
    """An item that is no sequence of arguments: a ``number``, which nothing unpacks, or a ``text``."""

    place: Place
    task: Task
    method: str
    kind: Literal["number", "text"]


class StarItems:
    """The items that tasks are mapped over."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)

    @facts
    def bare(self) -> list[BareItem]:
        """The first of each list that is no sequence."""
        return [
            fact
            for module, function in self.project.calling(*(f".{word}" for word in _UNPACKING))
            for fact in self._bare(module, function)
        ]

    def _bare(self, module: Module, function: Function) -> Iterator[BareItem]:
        for call in self.functions.calls(module, function):
            value = function.value_of(call) if call.leaf() in _UNPACKING else None
            given = (value.first() or value.keyword("it")) if value is not None else None
            if given is None or given.kind != "sequence":
                continue
            receiver = call.chain.rpartition(".")[0]
            target = self.sendings.target(module, function, receiver)
            if target is None or target.through != "task" or target.task is None:
                continue
            for item in given.items:
                kind = _kind(item, target.task)
                if kind is not None:
                    yield BareItem(module.place(item.span), target.task, call.leaf(), kind)
                    break


def _kind(item: Value, task: Task) -> Literal["number", "text"] | None:
    """What is to be unpacked and cannot be, or has more letters than the task takes arguments."""
    if item.kind != "constant":
        return None
    if isinstance(item.data, str):
        taken = [parameter.kind for parameter in task.function.parameters] if task.function else ["*"]
        return "text" if "*" not in taken and len(item.data) > taken.count("positional") else None
    return "number" if isinstance(item.data, bool | int | float) else None
