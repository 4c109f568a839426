"""Which parts have looked at what of the functions of one module, and which of them stay after a change.

An editor changes one module again and again. Its functions are handed out as :class:`Watched` ones, which
come and go, and whose content can be replaced. They note what is asked of them and searched among them, and
on whose behalf: of all parts whose methods are running, since each may keep what it concludes. After a
change only those parts are forgotten for which one of their questions has another answer now, and those who
have asked for such a part. Whoever else has a memory, the project itself above all, is not told apart by
what it keeps: if it was given another answer, nothing is known any more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from celery_lint.model.defined import Defined
from celery_lint.model.facts import Function, Module
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow, Functions
from celery_lint.project.isolation import Isolation
from celery_lint.project.known import Known, once
from celery_lint.project.memory import PerMode, Remembered, Remembering
from celery_lint.project.project import Project
from celery_lint.project.watching.functions import ALL, Question, Text, Watched, WatchedDefined, WatchedFlow

Part = TypeVar("Part")


class Told(NamedTuple):
    """Functions that have changed, and who has been told something of them that is not so any more: what."""

    functions: set[Key]
    askers: list[tuple[object, set[str]]]


# They remember nothing, or only for a part that is asking too, or ask anew each time.
_FORGETFUL: tuple[type, ...] = (
    tuple,
    Defined,
    Text,
    Known,
    Isolation,
    Functions,
    Flow,
    PerMode,
    Remembered,
    once,
)


class Watch:
    """The functions of a module as they are now, and who has been told what of them.

    ``forgetful`` are more classes whose objects keep nothing of what they are told.
    """

    def __init__(self, module: Module, forgetful: Iterable[type] = ()) -> None:
        self._forgetful = (*_FORGETFUL, Watch, *forgetful)
        self._functions = WatchedDefined(self, {})
        self._now: dict[str, Function] = {}
        self._take(module)
        #: The module that a project is to be linked with.
        self.module = module._replace(functions=self._functions)
        self._outline = _outline(module)
        self._askers: dict[Question, dict[int, object]] = {}
        self._resting = False

    def note(self, question: Question) -> None:
        """Somebody has this answer now."""
        if not self._resting:
            askers = self._askers.setdefault(question, {})
            for asker in self.asking():
                askers[id(asker)] = asker

    def asking(self) -> Iterator[object]:
        """On whose behalf a question is asked: everybody with a memory whose methods are running."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code not in _BASES:
            code = frame.f_code
            if "self" in code.co_varnames[:1] or "self" in code.co_freevars:
                found = frame.f_locals.get("self")
                if not isinstance(found, self._forgetful):
                    yield found
            frame = frame.f_back

    def rest(self) -> None:
        """Nobody is told apart any more."""
        self._resting = True

    def replace(self, module: Module, functions: Functions) -> Told | None:
        """Another text of the module; returns who has been told what is not so any more.

        ``None``, and nothing is done, if the module says something else beyond its functions.
        """
        old, new = self._now, dict(module.functions.every())
        if _outline(module) != self._outline or [*filter(new.get, old)] != [*filter(old.get, new)]:
            return None
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        before, after = Text(old, changed), Text(new, changed)
        told: dict[int, tuple[object, set[str]]] = {}
        for question, askers in self._askers.items():
            if (question[0] in changed or question[0] == ALL) and before.answer(question) != after.answer(
                question
            ):
                for key, asker in askers.items():
                    told.setdefault(key, (asker, set()))[1].add(question[1])
        self._resting = True
        functions.forget(self.module)
        self._take(module)
        self._resting = False
        return Told({(self.module.path, name) for name in changed}, list(told.values()))

    def _take(self, module: Module) -> None:
        """Let the functions be those of this text; one that stays is the same object."""
        known = dict(self._functions.every())
        self._now = dict(module.functions.every())
        self._text = Text(self._now, self._now.keys())
        self._functions.clear()
        for name, function in self._now.items():
            watched = known.get(name)
            if watched is None:
                watched = Watched(*function)
                vars(watched).update(watch=self, flow=WatchedFlow(watched))
            vars(watched)["now"] = function
            self._functions.put(watched)

    def dismiss(self, gone: set[int]) -> None:
        """These ask no more."""
        for known in self._askers.values():
            for key in gone & known.keys():
                del known[key]

    def rename(self, asker: object, other: object) -> None:
        """What the one was told counts as told to the other."""
        for known in self._askers.values():
            if known.pop(id(asker), None) is not None:
                known[id(other)] = other

    def ask(self, what: str, *given: Any) -> Any:
        """What is so of all functions as they are now; those that are meant, by name."""
        question = (ALL, what, given)
        self.note(question)
        return self._text.answer(question)


class WatchedKnown(Known):
    """What is known of a project with a watched module."""

    def __init__(self, project: Project, watch: Watch) -> None:
        super().__init__(project)
        self._watch = watch
        self._users: dict[int, dict[int, object]] = {}
        self._doubtful: set[int] = set()

    def of(self, part: Callable[[Known], Part]) -> Part:
        found = super().of(part)
        if id(found) in self._doubtful:
            raise LookupError(part)
        users = self._users.setdefault(id(found), {})
        for asker in self._watch.asking():
            users[id(asker)] = asker
        return found

    def forget(self, told: Told) -> bool:
        """Forget what is not so any more; false if nothing can be kept, and then all is to be forgotten."""
        parts = {id(part) for part in self._parts.values()}
        left = {id(part): (part, what) for part, what in told.askers if not _is_over(part)}
        if not left.keys() <= parts:
            return False
        users = {key: self._all_users(key) for key in left}
        doubtful = self._doubtful = {*left}
        try:
            while doubtful:  # who uses others after them
                first = [key for key in left if key in doubtful and self._is_first(key, users)]
                for key in first or [*doubtful]:
                    if key in doubtful:
                        if not first or not self._is_still_so(*left[key], told.functions):
                            self._drop({key} | users[key].keys())
                        doubtful.discard(key)
        except Exception:  # of a part that uses another than before; or the search itself tells what fails
            return False
        finally:
            self._doubtful = set()
        return True

    def _is_first(self, key: int, users: dict[int, dict[int, object]]) -> bool:
        """Whether a part uses no doubtful one."""
        return not any(key in users[other] for other in self._doubtful)

    def _drop(self, gone: set[int]) -> None:
        """Forget parts, and that they have asked."""
        self._doubtful -= gone
        remembering = [id(e) for p in self._parts.values() if id(p) in gone for e in _remembering(p)]
        self._parts = {known: part for known, part in self._parts.items() if id(part) not in gone}
        for key in gone:
            self._users.pop(key, None)
        gone = gone.union(remembering)
        for using in self._users.values():
            for key in gone & using.keys():
                del using[key]
        self._watch.dismiss(gone)

    def _all_users(self, key: int) -> dict[int, object]:
        """Who uses a part, and who uses those; itself among them if it uses one of them."""
        found: dict[int, object] = {}
        left = [key]
        for each in left:  # which grows meanwhile
            new = {other: user for other, user in self._users.get(each, {}).items() if other not in found}
            found.update(new)
            left += new
        return found

    def _is_still_so(self, part: object, what: set[str], functions: set[Key]) -> bool:
        """Whether a part says what it has said, although it was told something that is not so any more."""
        if isinstance(part, Revisable):
            return part.is_still_so(what, functions)
        fresh = type(part)(self)  # type: ignore[call-arg]
        for name, value in vars(part).items():
            if isinstance(value, Remembered):
                vars(fresh)[name].take(value)
        # What is worked out first, since that fills whatever else a part keeps.
        names = sorted(vars(part), key=lambda name: not isinstance(getattr(type(part), name, None), once))
        is_equal = all(_is_equal(part, fresh, name) for name in names)
        self._watch.rename(fresh, part)
        for using in self._users.values():
            if using.pop(id(fresh), None) is not None:
                using[id(part)] = part
        over = {id(each): each for each in _remembering(part)}
        for name, value in vars(part).items():
            if isinstance(value, Remembered):
                value.take(vars(fresh)[name])
        gone = (over.keys() | {id(each) for each in _remembering(fresh)}) - {
            id(each) for each in _remembering(part)
        }
        self._watch.dismiss(gone)
        return is_equal


@runtime_checkable
class Revisable(Protocol):
    """A part that keeps more than properties, and can tell itself whether it says what it has said."""

    def is_still_so(self, what: set[str], functions: set[Key]) -> bool:
        """Whether nothing else follows from what has changed: ``what`` of these functions."""


def _is_over(asker: object) -> bool:
    """Whether it is no part that was told, but an answer of one, which is told too: it is over now."""
    if isinstance(asker, Remembering):
        asker.is_over = True
    return isinstance(asker, Remembering)


def _remembering(part: object) -> Iterator[object]:
    """The answers that a part remembers one by one."""
    for value in vars(part).values():
        if isinstance(value, Remembered):
            yield from value.known.values()


def _is_equal(part: object, fresh: object, name: str) -> bool:
    """Whether a new part keeps the same under a name; what is worked out once is worked out for that."""
    return bool(vars(part)[name] == getattr(fresh, name))


def _outline(module: Module) -> Module:
    """What a module says beyond its functions; its comments are read by nobody else."""
    return module._replace(digest="", functions=Defined(), comments=())


# Below these nobody asks who would remember.
_BASES = frozenset({Isolation.search.__code__, WatchedKnown.forget.__code__})
