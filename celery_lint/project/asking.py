"""In which mode a part asks what a chain means, see :data:`celery_lint.project.reading.Mode`.

A property of a part is always worked out in the mode that it says, ``demand`` if it says nothing, and so is a
method that says one. Other methods ask for whoever calls them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from celery_lint.project.project import Project
from celery_lint.project.reading import Mode


class Asking(Protocol):
    """Whoever asks a project: a part of what is known of it."""

    @property
    def project(self) -> Project:
        """The project that is asked."""


_Method = TypeVar("_Method", bound=Callable[..., Any])


def asking(mode: Mode) -> Callable[[_Method], _Method]:
    """A method of a part that asks in a mode of its own, whoever calls it.

    Following every call of every task must not read the whole project. Once everything is read the modes are
    no longer told apart; so this is only for what leads to files, see ``engine/worth_reading``.
    """

    def decorate(method: _Method) -> _Method:
        @wraps(method)
        def ask(part: Asking, *given: Any) -> Any:
            reading = part.project.reading
            if reading.is_settled:
                return method(part, *given)
            before, reading.mode = reading.mode, mode
            try:
                return method(part, *given)
            finally:
                reading.mode = before

        return cast("_Method", ask)

    return decorate
