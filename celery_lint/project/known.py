"""The parts of one project, each made when it is first asked for, and once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from celery_lint.project.isolation import Isolation
from celery_lint.project.project import Project

Part = TypeVar("Part")
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
            with self.project.asking("demand"):
                found = self._parts[part] = part(self)
        return found


class facts(Generic[Part, Fact]):  # a decorator, as `property` is
    """A property that is worked out once, and that a rule can name: what it finds is judged by the rule.

    Of the class it is this object itself, which knows its owner; of an instance it is the list of facts.
    """

    def __init__(self, find: Callable[[Part], list[Fact]]) -> None:
        self._find = find
        self.__doc__ = find.__doc__

    def __set_name__(self, owner: type[Part], name: str) -> None:
        self.owner = owner
        self.name = name

    @overload
    def __get__(self, part: None, owner: type[Part]) -> facts[Part, Fact]: ...

    @overload
    def __get__(self, part: Part, owner: type[Part]) -> list[Fact]: ...

    def __get__(self, part: Part | None, owner: type[Part]) -> facts[Part, Fact] | list[Fact]:
        if part is None:
            return self
        found = vars(part)[self.name] = self._find(part)
        return found

    def __str__(self) -> str:
        return f"{self.owner.__name__}.{self.name}"

    def among(self, known: Known) -> list[Fact]:
        """These facts of a project."""
        found: list[Fact] = getattr(known.of(self.owner), self.name)
        return found
