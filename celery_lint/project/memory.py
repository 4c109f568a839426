"""The modules of a project, and the answers that were found in them."""

from __future__ import annotations

from typing import Generic, TypeVar

from celery_lint.project.entity import Key

Answer = TypeVar("Answer")


class Memory(Generic[Answer]):
    """Answers by path and name.

    Those found while demanding serve every mode; the others serve only their like, because a chain that is
    asked for later in earnest must say again which files it leads to. One that met a file that has not been
    read serves its own mode, and only until another file is read.
    """

    __slots__ = ("_firm", "_loose", "_passing", "firm")

    def __init__(self) -> None:
        self._firm: dict[Key, Answer] = {}
        self._loose: dict[Key, Answer] = {}
        self._passing: dict[tuple[Key, str], tuple[int, Answer]] = {}
        #: What was found while demanding.
        self.firm = self._firm.get

    def lasting(self, key: Key, mode: str) -> Answer | None:
        """What is known for good."""
        found = self._firm.get(key)
        return found if found is not None or mode == "demand" else self._loose.get(key)

    def passing(self, key: Key, mode: str, modules: int) -> Answer | None:
        """What is known while so many modules have been read."""
        passing = self._passing.get((key, mode))
        return passing[1] if passing is not None and passing[0] == modules else None

    def begin(self, key: Key, mode: str, unknown: Answer) -> None:
        """Answer that nothing is known while the answer is worked out: a cycle ends there."""
        (self._firm if mode == "demand" else self._loose)[key] = unknown

    def keep(self, key: Key, mode: str, found: Answer, modules: int, lasting: bool) -> None:
        """Keep an answer, found while so many modules have been read."""
        if mode == "demand":
            self._firm[key] = found
        elif lasting:
            self._loose[key] = found
        else:
            self._loose.pop(key, None)
            self._passing[key, mode] = (modules, found)
