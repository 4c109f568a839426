"""The modules of a project, and the answers that were found in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from celery_lint.project.entity import Key
from celery_lint.project.reading import Mode, Reading

Answer = TypeVar("Answer")


class Memory(Generic[Answer]):
    """Answers by path and name.

    Those found while demanding serve every mode; the others serve only their like, because a chain that is
    asked for later in earnest must say again which files it leads to. One that met a file that has not been
    read serves its own mode, and unless it was demanded only until another file is read: who demands a name
    gets no file that cannot know it for the asker's sake, and who hints at the same name may.
    """

    __slots__ = ("_demanded", "_firm", "_loose", "_passing")

    def __init__(self) -> None:
        self._firm: dict[Key, Answer] = {}
        self._demanded: dict[Key, Answer] = {}
        self._loose: dict[Key, Answer] = {}
        self._passing: dict[str, dict[Key, tuple[int, Answer]]] = {"hint": {}, "quiet": {}}

    def settle(self, modules: int) -> None:
        """Let every answer serve every mode, while so many modules have been read: no other will ever be."""
        for passing in self._passing.values():
            for key, (count, found) in passing.items():
                if count == modules:
                    self._firm.setdefault(key, found)
        for answers in (self._loose, self._demanded):
            for key, found in answers.items():
                self._firm.setdefault(key, found)

    def recall(self, key: Key, reading: Reading) -> Answer | None:
        """What is known in the mode of the question: for good, or while no other file has been read."""
        found = self._firm.get(key)
        if found is not None:
            return found
        if reading.mode == "demand":
            found = self._demanded.get(key)
            reading.misses += found is not None  # what is concluded from it is for those who demand
            return found
        found = self._loose.get(key)
        if found is None:
            passing = self._passing[reading.mode].get(key)
            if passing is not None and passing[0] == reading.modules.count:
                reading.misses += 1  # what is concluded from it does not last either
                return passing[1]
        return found

    def begin(self, key: Key, mode: str, unknown: Answer) -> None:
        """Answer that nothing is known while the answer is worked out: a cycle ends there."""
        (self._firm if mode == "demand" else self._loose)[key] = unknown

    def keep(self, key: Key, mode: str, found: Answer, modules: int, lasting: bool) -> None:
        """Keep an answer, found while so many modules have been read."""
        if mode == "demand":
            if lasting:
                self._firm[key] = found
            else:
                self._firm.pop(key, None)
                self._demanded[key] = found
        elif lasting:
            self._loose[key] = found
        else:
            self._loose.pop(key, None)
            self._passing[mode][key] = (modules, found)


class PerMode(Generic[Answer]):
    """Answers of a part by key: for each mode its own, until everything is read and modes are all one.

    Those that ask quietly take what others have found: they would find the same, for good where no unread
    file was met, and otherwise until another file is read.
    """

    __slots__ = ("_known", "_passing", "_reading")

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._known: dict[Mode, dict[Any, Answer]] = {"demand": {}, "hint": {}, "quiet": {}}
        self._passing: dict[Any, tuple[int, Answer]] = {}

    def items(self) -> Iterator[tuple[Any, Answer]]:
        """All that is known in any mode, with its keys."""
        for known in self._known.values():
            yield from known.items()

    def of(self, key: Any, find: Callable[[], Answer]) -> Answer:
        """The answer, found now if it is not known."""
        reading = self._reading
        mode = reading.mode
        known = self._known[mode]
        if key in known:
            return known[key]
        if reading.is_settled:
            for others in self._known.values():
                if key in others:
                    return others[key]
        if mode == "quiet" and key in self._passing:
            read, answer = self._passing[key]
            if read == reading.modules.count:
                reading.misses += 1  # what is concluded from it does not last either
                return answer
        met = reading.misses
        answer = known[key] = find()
        if mode != "quiet":
            if reading.misses == met:
                self._known["quiet"].setdefault(key, answer)
            else:
                self._passing[key] = (reading.modules.count, answer)
        return answer
