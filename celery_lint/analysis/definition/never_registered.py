"""Classes of tasks that code sends, and that no application has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.inventory.application.applications import is_task_base
from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.senders.said import Said
from celery_lint.libraries.celery import SENDING
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known, facts

# Before this version each class that derives from a task registered itself.
_ON_REQUEST = (4, 0)
# Bases whose metaclass does so in any version that has them, and those that have nothing to do with tasks.
_REGISTERING = "celery.task."
_OTHERS = frozenset({"builtins.object", "abc.ABC", "typing.Generic"})
# What a class may register with whatever derives from it, or whenever an object is made.
_HOOKS = ("__init_subclass__", "__new__", "__init__", "bind", "on_bound")
# What code does with an object of such a class that hands it to nobody.
_USES = "|".join(sorted({*SENDING, "delay_on_commit", "apply", "run", "s", "si", "signature", "subtask"}))
_USED = rf"(?=\s*\.\s*(?:{_USES})\b)"
_CALLED = r"(?=\s*\()"
_IMPORTS = r"(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+(?:\([^)]*\)|[^\n(;]*)"
_COMMENTS = re.compile(r"#[^\n]*")
# Files for people tell of a class, and make nothing of it.
_OF_PEOPLE = (".md", ".rst", ".txt")


class NeverRegistered(NamedTuple):
    """A class of tasks that no application has, and where its task is sent."""

    task: Task
    senders: tuple[Place, ...]


class ClassTasks:
    """The classes of tasks that nobody registers.

    Celery does so for a function that it decorates, and for a class only where somebody hands it over. That
    nobody does is certain where all files say the class only to define, to import and to send it.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.said = known.of(Said)

    @facts
    def all(self) -> list[NeverRegistered]:
        """Those that something sends."""
        found = []
        for task in self.tasks.product if self._is_on_request else ():
            if task.class_ is not None and self._is_plain(task):
                senders = tuple(self._senders(task))
                if senders and not self._is_handed_over(task):
                    found.append(NeverRegistered(task, senders))
        return found

    @property
    def _is_on_request(self) -> bool:
        """Whether a class must be registered at all."""
        installed = self.project.deployment.celery
        return installed is None or installed >= _ON_REQUEST

    def _is_plain(self, task: Task) -> bool:
        """Whether a class stands at the top of its module, and nothing that it derives from registers it."""
        class_ = task.class_
        if class_ is None or class_.decorators or class_.name != class_.qualname:
            return False
        return all(
            self._registers_nothing(each)
            for each in self.project.bases(Entity("class", class_.qualname, task.module))
        )

    def _registers_nothing(self, base: Entity) -> bool:
        class_ = base.class_()
        if class_ is not None:
            return not any(hook in class_.methods for hook in _HOOKS)
        if base.kind != "external" or base.name.startswith(_REGISTERING):
            return False
        return is_task_base(base.name) or base.name in _OTHERS

    def _senders(self, task: Task) -> Iterator[Place]:
        """Where its task is sent: by an object of the class, or by its name."""
        if self.sendings.by_name(task.name) is None:  # another task has that, and a worker knows it
            return
        for sending in self.sendings.by_task.get(task.key, ()):
            if sending.how != "apply":
                yield sending.place
        for _, name, place in self.schedules.named:
            if name == task.name:
                yield place

    def _is_handed_over(self, task: Task) -> bool:
        """Whether any file may do more with the class than to define, to import and to send it."""
        name = task.label
        if self.said.may_be_listed(task.module) or self.project.deployment.written.finds(_goes_through):
            return True
        kept = rf"^[ \t]*(\w+)[ \t]*(?::[ \t]*[\w.]+[ \t]*)?=[ \t]*{name}\(\)[ \t]*$"
        known = [rf"^class[ \t]+{name}\b", rf"\bsuper\([ \t]*{name}\b", kept]
        known += [rf"\b{name}\(\)(?:{_USED}|{_CALLED})", rf"[\"']{re.escape(task.name)}[\"']"]
        if self._says(name, known):
            return True
        objects = {
            each
            for path in self._holding(name)
            if path.endswith(".py")
            for each in self.project.deployment.written.ask(path, _found, kept)
        }
        return any(
            self._says(each, [rf"\b{each}{_USED}", kept.replace(r"(\w+)", each), known[-1]])
            for each in objects
        )

    def _holding(self, name: str) -> Iterator[str]:
        """The files that hold a word, but for those for people, and Python files beside the product."""
        for path in self.project.deployment.written.holding(name):
            is_meant = self.project.modules.is_product(path) if path.endswith(".py") else True
            if is_meant and not path.endswith(_OF_PEOPLE):
                yield path

    def _says(self, name: str, known: list[str]) -> bool:
        """Whether a word stands anywhere but in an import, or as one of these patterns has it.

        An import by another name counts: nobody has followed that.
        """
        return any(
            self.project.deployment.written.ask(path, _says_more, name, *known)
            if path.endswith(".py")
            else self.project.deployment.written.lines_in(path, name)
            for path in self._holding(name)
        )


def _code(text: bytes) -> str:
    """A text of Python without its comments."""
    return _COMMENTS.sub("", text.decode(errors="replace"))


def _found(text: bytes, pattern: str) -> tuple[str, ...]:
    """What the first group of a pattern finds in a text of Python."""
    return tuple(each[1] for each in re.finditer(pattern, _code(text), re.MULTILINE))


def _says_more(text: bytes, name: str, *known: str) -> bool:
    """Whether a text of Python has a word in more than imports and these patterns."""
    code = _code(text)
    if re.search(rf"\b{name}[ \t]+as\b", code) is not None:
        return True
    rest = re.sub("|".join([rf"^[ \t]*{_IMPORTS}", *known]), "", code, flags=re.MULTILINE)
    return re.search(rf"\b{name}\b", rest) is not None


def _goes_through(text: bytes) -> bool:
    """Whether a file goes through all classes that derive from one."""
    return b"__subclasses__" in text
