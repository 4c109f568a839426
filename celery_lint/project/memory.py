"""The modules of a project, and the answers that were found in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from celery_lint.project.entity import Key
from celery_lint.project.reading import Lasted, Mark, Mode, Reading

Answer = TypeVar("Answer")


class Memory(Generic[Answer]):
    """Answers by path and name: those that last, and of the others what serves meanwhile.

    Of these, those found while demanding serve every mode; the others serve only their like, because a
    chain that is asked for later in earnest must say again which files it leads to. One that met a file that
    has not been read serves its own mode, and unless it was demanded only until another file is read: who
    demands a name gets no file that cannot know it for the asker's sake, and who hints at the same name may.
    """

    __slots__ = ("_demanded", "_firm", "_heads", "_lasting", "_loose", "_passing")

    def __init__(self, lasting: Lasted) -> None:
        self._lasting = lasting
        self._firm: dict[Key, Answer] = {}
        self._demanded: dict[Key, Answer] = {}
        self._loose: dict[Key, Answer] = {}
        self._passing: dict[str, dict[Key, tuple[int, Answer]]] = {"hint": {}, "quiet": {}}
        # The number of the question that an answer depends on, while that is open.
        self._heads: dict[Key, int] = {}

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
        lasting = self._lasting.get(key)
        if lasting is not None and reading.holds(lasting):
            answer: Answer = lasting.answer
            return answer
        found = self._firm.get(key)
        if found is None and reading.mode == "demand":
            found = self._demanded.get(key)
            reading.misses += found is not None  # what is concluded from it is for those who demand
        elif found is None:
            found = self._loose.get(key)
            if found is None:
                passing = self._passing[reading.mode].get(key)
                if passing is not None and passing[0] == reading.modules.count:
                    reading.misses += 1  # what is concluded from it does not last either
                    found = passing[1]
        if found is not None:
            reading.doubt(self._heads.get(key, 0))
        return found

    def begin(self, key: Key, reading: Reading, unknown: Answer | None = None) -> int:
        """Begin to work an answer out; returns the number of the question.

        Meanwhile nothing is known: a cycle ends there.
        """
        number = self._heads[key] = reading.open()
        if unknown is not None:
            (self._firm if reading.mode == "demand" else self._loose)[key] = unknown
        return number

    def keep(self, key: Key, found: Answer, reading: Reading, mark: Mark, number: int) -> None:
        """Keep an answer that was looked for from there on."""
        (self._firm if reading.mode == "demand" else self._loose).pop(key, None)
        head = reading.keep(self._lasting, key, found, mark, number)
        if head is None:
            del self._heads[key]
            return
        self._heads[key] = head
        lasting = reading.misses == mark[0]
        if reading.mode == "demand":
            (self._firm if lasting else self._demanded)[key] = found
        elif lasting:
            self._loose[key] = found
        else:
            self._passing[reading.mode][key] = (reading.modules.count, found)


class PerMode(Generic[Answer]):
    """Answers of a part by key: for each mode its own, until everything is read and modes are all one.

    Those that ask quietly take what others have found: they would find the same, for good where no unread
    file was met, and otherwise until another file is read. Answers that last serve all modes: they are kept
    apart, if there is a place for them.
    """

    __slots__ = ("_known", "_lasting", "_passing", "_reading")

    def __init__(self, reading: Reading, lasting: Lasted | None = None) -> None:
        self._reading = reading
        self._lasting = lasting
        self._known: dict[Mode, dict[Any, Answer]] = {"demand": {}, "hint": {}, "quiet": {}}
        self._passing: dict[Any, tuple[int, Answer]] = {}

    def items(self) -> Iterator[tuple[Any, Answer]]:
        """All that is known in any mode, with its keys."""
        if self._lasting is not None:
            yield from [(key, trace.answer) for key, trace in self._lasting.items()]
        for known in self._known.values():
            yield from known.items()

    def of(self, key: Any, find: Callable[[], Answer]) -> Answer:
        """The answer, found now if it is not known."""
        reading = self._reading
        trace = self._lasting.get(key) if self._lasting is not None else None
        if trace is not None and reading.holds(trace):
            answer: Answer = trace.answer
            return answer
        found = self._recall(key)
        if found is not None:
            reading.doubt()
            return found
        mode, mark = reading.mode, reading.mark()
        answer = find()
        if self._lasting is not None and reading.keep(self._lasting, key, answer, mark) is None:
            return answer
        self._known[mode][key] = answer
        if mode != "quiet":
            if reading.misses == mark[0]:
                self._known["quiet"].setdefault(key, answer)
            else:
                self._passing[key] = (reading.modules.count, answer)
        return answer

    def _recall(self, key: Any) -> Answer | None:
        """What is known in the mode of the question."""
        reading = self._reading
        known = self._known[reading.mode]
        if key in known:
            return known[key]
        if reading.is_settled:
            for others in self._known.values():
                if key in others:
                    return others[key]
        if reading.mode == "quiet" and key in self._passing:
            read, answer = self._passing[key]
            if read == reading.modules.count:
                reading.misses += 1  # what is concluded from it does not last either
                return answer
        return None


class Remembering(Generic[Answer]):
    """One answer of a part, and what it was found for. While it is looked for, it is the one who asks."""

    __slots__ = ("about", "answer", "is_over")

    def __init__(self, about: tuple[Any, ...]) -> None:
        self.about = about
        #: Whether it was told something that is not so any more.
        self.is_over = False

    def look(self, find: Callable[..., Answer]) -> None:
        """Find the answer."""
        self.answer = find(*self.about)


class Remembered(Generic[Answer]):
    """What a part has answered to a question of its own, by the key of what it was asked about.

    It is equal to that of another part which answers the same to all that this one has been asked. With a
    ``reading``, answers that last are kept apart from round to round, by the name ``lasted``.
    """

    __slots__ = ("_find", "_lasting", "_reading", "known")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, find: Callable[..., Answer], reading: Reading | None = None, lasted: str | None = None
    ) -> None:
        self._find = find
        self._reading = reading
        self._lasting = reading.lasted(lasted) if reading is not None and lasted is not None else None
        self.known: dict[Key, Remembering[Answer]] = {}

    def of(self, key: Key, *about: Any) -> Answer:
        """The answer, found now if it is not known."""
        reading, lasting = self._reading, self._lasting
        if reading is None or lasting is None:
            found = self.known.get(key)
            if found is None or found.about != about:
                found = Remembering(about)
                found.look(self._find)
                self.known[key] = found
            return found.answer
        trace = lasting.get(key)
        if trace is not None and reading.holds(trace):
            answer: Answer = trace.answer
            return answer
        found = self.known.get(key)
        if found is not None and found.about == about:
            reading.doubt()
            return found.answer
        mark, found = reading.mark(), Remembering(about)
        found.look(self._find)
        if reading.keep(lasting, key, found.answer, mark) is not None:
            self.known[key] = found
        return found.answer

    def take(self, other: Remembered[Answer]) -> None:
        """Remember what another remembers that is still so."""
        self.known.update({key: each for key, each in other.known.items() if not each.is_over})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Remembered):
            return NotImplemented
        return all(other.of(key, *each.about) == each.answer for key, each in self.known.items())
