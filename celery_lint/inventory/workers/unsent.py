"""Which tasks nothing sends, as far as a project shows what it sends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.known import Known, once

# So many tasks that are sent show how a project sends them; a sketch of two tasks shows nothing.
_SEVERAL = 3
_WORD = re.compile(r"\w+")
# With these, entries of the schedule stand in a database, where nobody can look.
_ELSEWHERE = frozenset({"django_celery_beat", "redbeat", "RedBeatScheduler", "DatabaseScheduler"})


class Unsent:
    """The tasks that nothing sends: they stand there, and no bug of theirs happens to anybody."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)
        self.sendings = known.of(Sendings)

    def is_unsent(self, task: Task) -> bool:
        """Whether a project that sends other tasks nowhere names this one, but where it is made."""
        if not self._sends or task.function is None:
            return False
        names = {task.function.name, task.name.rpartition(".")[2], task.qualname.rpartition("/")[2]}
        own = Counter[str]()
        for function in task.module.functions.values():
            if function is task.function or function.parent == task.function.qualname:
                own.update(set(_words(function)))
        return all(self._words[name] <= own[name] for name in names)

    @once
    def _sends(self) -> bool:
        """Whether the project shows what it sends: it does so itself, or has a schedule that can be read."""
        if not _ELSEWHERE.isdisjoint(self._words):
            return False
        if self.settings.named("beat_schedule"):
            return True
        sent = {s.task.qualname for s in self.sendings.all if s.sends and s.task is not None}
        return len(sent) >= _SEVERAL

    @once
    def _words(self) -> Counter[str]:
        """In how many functions, and how often in other code, a word stands."""
        found = Counter[str]()
        for module in self.project.modules.values():
            found.update(_outside(module))
            for function in module.functions.values():
                found.update(set(_words(function)))
        return found


def _words(function: Function) -> Iterator[str]:
    """The words in the calls and statements of a function, and in what they are given."""
    yield from _WORD.findall(function.packed_calls)
    yield from _WORD.findall(function.packed_steps)
    for value in (*function.returns, *(value for _, value in function.values)):
        yield from _of_value(value)


def _outside(module: Module) -> Iterator[str]:
    """The words in what a module binds, sets and imports from nowhere in its functions."""
    for values in module.bindings.values():
        for value in values:
            yield from _of_value(value)
    for assignment in module.assignments:
        yield from _of_value(assignment.value)
    for each in module.classes.values():
        for values in each.attributes.values():
            for value in values:
                yield from _of_value(value)


def _of_value(value: Value) -> Iterator[str]:
    """The words of an expression: names, texts, and what it holds."""
    left = [value]
    while left:
        each = left.pop()
        yield from _WORD.findall(each.chain)
        if isinstance(each.data, str):
            yield from _WORD.findall(each.data)
        left.extend(each.items)
        for key, item in each.keywords:
            yield from _WORD.findall(key)
            left.append(item)
