"""The parts of one project, each made when it is first asked for, and once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from celery_lint.project.asking import Asking
from celery_lint.project.isolation import Isolation
from celery_lint.project.project import Project

if TYPE_CHECKING:
    from typing_extensions import Self

Part = TypeVar("Part")
Room = TypeVar("Room", bound=Asking)
Answer = TypeVar("Answer")
Fact = TypeVar("Fact")


class Known:
    """What is known of one project, part by part: everybody asks for a part by its class."""

    def __init__(self, project: Project) -> None:
        self.project = project
        #: What goes through it may fail at some places without a loss elsewhere.
        self.isolation = Isolation(project, self, Known)
        self._parts: dict[Any, Any] = {}

    def of(self, part: Callable[[Known], Part]) -> Part:
        """The part of this class. It does not inherit the mode of whoever asks first."""
        found: Part | None = self._parts.get(part)
        if found is None:
            reading = self.project.reading
            before, reading.mode = reading.mode, "demand"
            try:
                found = self._parts[part] = part(self)
            finally:
                reading.mode = before
        return found

    def let_go(self) -> None:
        """Free all that was worked out, at once: nobody asks any more, and the garbage collector rests."""
        for part in self._parts.values():
            vars(part).clear()  # what remembers answers of a part knows the part
        self._parts.clear()
        vars(self.isolation).clear()
        vars(self.project).clear()


class once(Generic[Room, Answer]):  # a decorator, as `property` is
    """A property of a part, worked out once and in a mode of its own: it says the same whoever asks first.

    The mode is ``demand``, or what ``@asking`` below it says. Of the class it is this object itself, which
    knows its owner.
    """

    def __init__(self, find: Callable[[Room], Answer]) -> None:
        self._find = find
        self.__doc__ = find.__doc__

    def __set_name__(self, owner: type[Room], name: str) -> None:
        self.owner = owner
        self.name = name

    @overload
    def __get__(self, part: None, owner: type[Room]) -> Self: ...

    @overload
    def __get__(self, part: Room, owner: type[Room]) -> Answer: ...

    def __get__(self, part: Room | None, owner: type[Room]) -> Self | Answer:
        if part is None:
            return self
        reading = part.project.reading
        before, reading.mode = reading.mode, "demand"
        try:
            found = vars(part)[self.name] = self._find(part)
        finally:
            reading.mode = before
        return found

    def __str__(self) -> str:
        return f"{self.owner.__name__}.{self.name}"


class facts(once[Room, "list[Fact]"], Generic[Room, Fact]):
    """Such a property that a rule can name: what it finds is judged by the rule."""

    def among(self, known: Known) -> list[Fact]:
        """These facts of a project."""
        found: list[Fact] = getattr(known.of(self.owner), self.name)
        return found
