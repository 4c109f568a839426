"""The modules of a project, and the answers that were found in them."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from celery_lint.project.entity import Key
from celery_lint.project.reading import Mode, Reading

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

    def settle(self, modules: int) -> None:
        """Let every answer serve every mode, while so many modules have been read: no other will ever be."""
        for (key, _), (count, found) in self._passing.items():
            if count == modules:
                self._firm.setdefault(key, found)
        for key, found in self._loose.items():
            self._firm.setdefault(key, found)

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


class PerMode(Generic[Answer]):
    """Answers of a part by key: for each mode its own, until everything is read and modes are all one."""

    __slots__ = ("_known", "_reading")

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._known: dict[Mode, dict[Any, Answer]] = {"demand": {}, "hint": {}, "quiet": {}}

    def get(self, key: Any) -> Answer | None:
        """The answer, if it is known."""
        known = self._known[self._reading.mode]
        if key in known or not self._reading.is_settled:
            return known.get(key)
        return next((known[key] for known in self._known.values() if key in known), None)

    def keep(self, key: Any, answer: Answer) -> Answer:
        """Keep an answer that is found now."""
        self._known[self._reading.mode][key] = answer
        return answer
