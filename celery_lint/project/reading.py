"""What happens when a chain leads to a file that has not been read, and which answers outlive that.

An answer follows from modules that are known, from files that nobody has read, and from what all modules
say together, such as the names of what they set. While none of these files has been read since, and all
modules say the same of what was asked, whoever asks again gets the same answer: all that is left to do is to
say again which files the chains on the way to it lead to. One that a circle or a limit has cut short is
another one when it is asked for at another time, so that it does not last, and neither does what follows
from it. But the question that a circle has come back to has its whole answer, and that lasts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Hashable
from typing import Any, Literal

from celery_lint.diagnostics import Unparsed
from celery_lint.model.facts import Module
from celery_lint.project.entity import Key
from celery_lint.project.modules import Modules

Mode = Literal["demand", "hint", "quiet"]
"""``demand``: the file is read. ``hint``: it is remembered. ``quiet``: nothing."""

Load = Callable[[str, str], "Module | Unparsed | None"]
"""Reads the file of a path for the sake of a name; ``None`` if it cannot know that name."""

Asked = tuple[str, Hashable, bool]
"""What all modules were asked together, about what, and whether it is so."""

Mark = tuple[int, int, int]
"""How many misses, doubts and traces there were."""


class Trace:
    """What chains have met on the way to an answer.

    ``led`` are the files that they lead to. ``met`` are those that nobody had read, and for which of their
    names; ``absent`` are all whose reading may change the answer. ``asked`` is what all modules together have
    been asked for it. With ``in_earnest`` those that were met were demanded, and refused.
    """

    __slots__ = ("absent", "answer", "asked", "count", "in_earnest", "led", "met", "reader", "told")

    def __init__(
        self,
        answer: Any = None,
        led: tuple[str, ...] = (),
        met: tuple[Key, ...] = (),
        absent: tuple[str, ...] = (),
        asked: tuple[Asked, ...] = (),
    ) -> None:
        self.answer = answer
        self.asked = asked
        self.led = led
        self.met = met
        self.absent = absent
        self.in_earnest = False
        #: Who has seen last, and among how many modules, that none of the absent ones is there.
        self.reader: object = None
        self.count = 0
        #: What the last one has been told of it: 1 where it leads, 2 what it hints at too.
        self.told = 0


Lasted = dict[Any, Trace]
"""Answers by key."""


class Lasting:
    """What lasts of the answers of a project and its parts while files are read for them."""

    def __init__(self) -> None:
        self._known: dict[str, Lasted] = {}

    def of(self, what: str) -> Lasted:
        """The answers of one kind."""
        return self._known.setdefault(what, {})


class Reading:
    """The modules of a project, and those that chains lead to beyond them."""

    def __init__(
        self,
        modules: Modules,
        unparsed: Container[str],
        load: Load | None,
        lasting: Lasting | None = None,
    ) -> None:
        self.modules = modules
        self._lasting = lasting
        self.unparsed = unparsed
        self.load = load
        self.mode: Mode = "demand"
        #: How often a chain ended at a file that was not read.
        self.misses = 0
        # The questions that are being answered, by number, the outermost first.
        self._open: list[int] = []
        self._asked = 0
        # Where a circle or a limit has cut an answer short, or one was given that was: the depth of the open
        # question that it has come back to. 0: it depends on who asks.
        self._doubts: list[int] = []
        self._own = object()
        self._tellers: dict[str, Callable[[Any], bool]] = {}
        #: What chains have met, one after the other.
        self._met: list[Trace] = []
        #: Files that a chain led to and that were not among the modules. `load` reads them on the spot, so
        #: that chains go on; only a project that has them from the start sees all that they say.
        self.wanted: set[str] = set()
        #: All files that a chain led to; a run that starts from what the last one read asks for these.
        self.demanded: set[str] = set()
        #: Files that a chain hinted at, and for which of their names: worth reading if they, or what these
        #: names lead to, hold a word that somebody looks for.
        self.hinted: dict[str, set[str]] = {}

    def lasted(self, what: str) -> Lasted | None:
        """The place for answers of one kind that last; none where nobody asks in another round."""
        return self._lasting.of(what) if self._lasting is not None else None

    def mark(self) -> Mark:
        """Where somebody begins to look for an answer."""
        return self.misses, len(self._doubts), len(self._met)

    def open(self) -> int:
        """Begin to answer a question that may come back to itself; returns its number."""
        self._asked += 1
        self._open.append(self._asked)
        return self._asked

    def doubt(self, number: int = 0) -> None:
        """Note that an answer was cut short: it has come back to an open question, or to a limit."""
        if not self._open and self.load is None:
            return  # nobody keeps answers for another round, and an editor asks for hours
        at = bisect_left(self._open, number) if number else len(self._open)
        self._doubts.append(at + 1 if self._open[at : at + 1] == [number] else 0)

    def lead_to(self, path: str) -> None:
        """Note that a chain leads to a file."""
        self._met.append(Trace(led=(path,)))
        if self.mode != "quiet":
            self.demanded.add(path)

    def want(self, path: str) -> None:
        """Have a file read although nothing in it is about tasks."""
        self.demanded.add(path)
        self.wanted.add(path)

    def needs(self, *paths: str) -> None:
        """Note that an answer may be another one when one of these has been read, unless all have."""
        absent = tuple([path for path in paths if self.modules.find(path) is None])
        if absent:
            self._met.append(Trace(absent=absent))

    def tell(self, what: str, is_so: Callable[[Any], bool]) -> None:
        """Let something be asked of all modules together, by a name of its own: of those of this round."""
        self._tellers[what] = is_so

    def ask(self, what: str, about: Hashable) -> bool:
        """Whether something is so of all modules together: an answer may be another one when it is not."""
        found = self._tellers[what](about)
        if self.load is not None:  # otherwise nobody keeps answers for another round
            self._met.append(Trace(asked=((what, about, found),)))
        return found

    def keep(self, lasting: Lasted, key: object, answer: object, mark: Mark, number: int = 0) -> int | None:
        """Keep an answer that was looked for from there on, with what it depends on, if it lasts.

        The question of this number is closed with it: that it has come back to itself cuts nothing short,
        since what is found elsewhere is all there is. ``None`` if it lasts; otherwise the number of the open
        question that it depends on, 0 if it depends on who asks.
        """
        opened, doubts = self._open, self._doubts
        if number:
            del opened[bisect_left(opened, number) :]
        if len(doubts) > mark[1]:
            lowest = min(doubts[mark[1] :])
            if lowest <= len(opened):
                doubts[mark[1] :] = [lowest]
                return opened[lowest - 1] if lowest else 0
            del doubts[mark[1] :]
        met, traces = self._met, self._met[mark[2] :]
        if not traces:
            lasting[key] = Trace(answer)
            return None
        del met[mark[2] :]
        if len(traces) == 1:
            trace = Trace(answer, traces[0].led, traces[0].met, traces[0].absent, traces[0].asked)
        else:
            trace = Trace(
                answer,
                tuple(dict.fromkeys([path for trace in traces for path in trace.led])),
                tuple(dict.fromkeys([pair for trace in traces for pair in trace.met])),
                tuple(dict.fromkeys([path for trace in traces for path in trace.absent])),
                tuple(dict.fromkeys([each for trace in traces for each in trace.asked])),
            )
        trace.in_earnest = self.mode == "demand"
        trace.reader, trace.count = self._own, self.modules.count
        trace.told = 2 if self.mode == "hint" else int(trace.in_earnest)
        met.append(trace)
        lasting[key] = trace
        return None

    def holds(self, trace: Trace) -> bool:
        """Whether an answer is still the one, for those who ask now; then what it leads to is noted again."""
        if trace.reader is not self._own or trace.count != self.modules.count:
            for path in trace.absent:
                if self.modules.find(path) is not None or path in self.unparsed:
                    return False
            if trace.reader is not self._own:
                for what, about, so in trace.asked:
                    if self._tellers[what](about) != so:
                        return False
                trace.reader, trace.told = self._own, 0
            trace.count = self.modules.count
        if trace.met:
            if self.mode == "demand" and not trace.in_earnest and self.load is not None:
                return False
            self.misses += 1
        if trace.told < 2 and self.mode != "quiet":
            self.demanded.update(trace.led)
            trace.told = trace.told or 1
            if self.mode == "hint":
                trace.told = 2
                for path, name in trace.met:
                    self.hinted.setdefault(path, set()).add(name)
        if trace.led or trace.absent or trace.asked:
            self._met.append(trace)
        return True

    def settle(self) -> None:
        """Read nothing more: what is known now is what every later question is answered from.

        From here on the mode of a question makes no difference, and nobody asks in another than ``demand``.
        """
        self.load = None

    @property
    def is_settled(self) -> bool:
        """Nothing more is read."""
        return self.load is None

    def noting_in(self, other: Reading) -> None:
        """Let another project know what chains of this one lead to."""
        self.wanted, self.demanded, self.hinted = other.wanted, other.demanded, other.hinted

    def module(self, path: str, name: str) -> Module | None:
        """A module that was not known to be of interest when a chain led to this name of it."""
        module: Module | None = self.modules.find(path)
        if module is not None or path in self.unparsed:
            return module
        if self.mode == "hint":
            self.hinted.setdefault(path, set()).add(name)
        elif self.mode == "demand" and self.load is not None:
            found = self.load(path, name)
            if found is not None:
                self.wanted.add(path)
            if isinstance(found, Module):
                self.modules.add(found)
                return found
        self.misses += 1
        self._met.append(Trace(None, (), ((path, name),), (path,)))
        return None
