"""Lines that keep their numbers while others come and go above them.

Nearly everything that is known of a text knows a line of it; with the line's own number, a line that comes
would change all that is known of those below. So in an editor lines get numbers with gaps between them, far
beyond those of any real text, and what is said is told with the real ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from celery_lint.diagnostics import Diagnostic
from celery_lint.engine.verdict import Verdict
from celery_lint.model.commands import Answer, Written, lines_with
from celery_lint.model.lines import Line

_FIRST = 1 << 32
_GAP = 1 << 12
# A number of ours in a message: no shorter one is.
_NUMBER = re.compile(r"[0-9]{10,}")


class Numbering:
    """The numbers of the lines of a text that changes."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._numbers: list[int] = []
        self._real: dict[int, int] = {}

    def take(self, lines: Sequence[str]) -> None:
        """Another text: what stayed before and behind the change keeps its numbers."""
        before, numbers = self._lines, self._numbers
        same = min(len(before), len(lines))
        head = next((at for at in range(same) if before[at] != lines[at]), same)
        most = same - head
        tail = next((at for at in range(most) if before[-1 - at] != lines[-1 - at]), most)
        kept, count = numbers[head : len(before) - tail], len(lines) - head - tail
        middle = kept[:count]
        last = (numbers[:head] + middle)[-1] if head or middle else _FIRST
        end = numbers[len(before) - tail] if tail else last + (count + 1) * _GAP
        more = count - len(middle)
        step = (end - last) // (more + 1)
        if step or not more:
            new = [last + step * number for number in range(1, more + 1)]
            self._numbers = [*numbers[:head], *middle, *new, *numbers[len(before) - tail :]]
        else:  # no gap is left
            self._numbers = [_FIRST + _GAP * number for number in range(1, len(lines) + 1)]
        self._lines = list(lines)
        self._real = {number: line for line, number in enumerate(self._numbers, 1)}

    def number(self, line: int) -> int:
        """Our number of a line of the text."""
        beyond = line - len(self._numbers)
        return self._numbers[line - 1] if beyond <= 0 else self._numbers[-1] + beyond

    def told(self, verdict: Verdict, path: str) -> Verdict:
        """What is said, with the real numbers of the lines of this file."""
        return verdict._replace(diagnostics=[self._diagnostic(each, path) for each in verdict.diagnostics])

    def _diagnostic(self, found: Diagnostic, path: str) -> Diagnostic:
        if found.path == path:
            found = found._replace(line=self._line(found.line), end_line=self._line(found.end_line))
        related = tuple(
            each._replace(
                line=self._line(each.line) if each.path == path else each.line,
                message=self._text(each.message),
            )
            for each in found.related
        )
        message, help_text = self._text(found.message), self._text(found.help)
        fix = found.fix and tuple(map(self._text, found.fix))
        return found._replace(message=message, help=help_text, related=related, fix=fix)

    def _line(self, number: int) -> int:
        return self._real.get(number, number)

    def _text(self, text: str) -> str:
        return _NUMBER.sub(lambda found: str(self._line(int(found[0]))), text)


class WrittenAround(Written):
    """What the files of a workspace say, but for one that changes: of that its text as it is now."""

    def __init__(self, around: Written, path: str) -> None:
        super().__init__(self._read_all)
        self._around = around
        self._path = path
        self._own = b""
        self._line: Line = int
        self._asked: dict[str, list[int]] = {}

    def take(self, lines: Sequence[str], line: Line) -> bool:
        """Another text, and the numbers of its lines: whether a word that was asked for stands elsewhere."""
        self._own = "\n".join(each.rstrip("\r\n") for each in lines).encode("utf-8", "surrogatepass")
        self._line = line
        return any(self._lines_of(word) != found for word, found in self._asked.items())

    def forget(self) -> None:
        """Nobody knows any more what was said."""
        self._asked.clear()
        self.let_go()

    def _read_all(self) -> Iterator[tuple[str, bytes]]:
        yield from self._around.texts.items()
        yield self._path, self._own

    def _lines_of(self, word: str) -> list[int]:
        return [self._line(line) for line in lines_with(word, self._own)]

    def holding(self, word: str) -> Iterator[str]:
        """The files that hold a word, and this one if it says it."""
        self.is_read = True
        own = self._asked[word] = self._lines_of(word)
        yield from (path for path in self._around.holding(word) if path != self._path)
        if own:
            yield self._path

    def lines_in(self, path: str, word: str) -> list[int]:
        """The lines of a file that a word stands on."""
        return self._lines_of(word) if path == self._path else self._around.lines_in(path, word)

    def ask(self, path: str, question: Callable[..., Any], *given: str) -> Any:
        """What a file answers."""
        if path != self._path:
            return self._around.ask(path, question, *given)
        return question(self._own, *given)

    def found(self, search: Callable[[bytes], Answer | None]) -> dict[str, Answer]:
        """What a search finds in the Python files that it finds anything in."""
        self.is_read = True
        found = {path: answer for path, answer in self._around.found(search).items() if path != self._path}
        own = search(self._own) if self._path.endswith(".py") else None
        return {**found, self._path: own} if own else found

    def finds(self, search: Callable[[bytes], Answer | None]) -> bool:
        """Whether a search finds anything in a Python file."""
        return bool(self.found(search))

    def let_go(self) -> None:
        """Keep nothing but the answers."""
        super().let_go()
        self._around.let_go()
