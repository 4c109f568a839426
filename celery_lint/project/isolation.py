"""A search that fails loses what it would have found at one place, and nothing else.

The linter is wrong where a search fails, and nobody knows beforehand where that will be. So no search
guards itself: whatever fails is asked where it was, by the frames of its error, and made again over the
project without that function. What it says about all others stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

from celery_lint.model.defined import Defined
from celery_lint.model.facts import Class, Function, Module, Place
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.project import Project

View = TypeVar("View")
Fact = TypeVar("Fact")

READING = "the search for files to read"
"""The name of searches whose answers are more files. What fails there mostly fails again in one for facts."""

# So many projects without some functions are kept, for the searches that fail at the same places.
_MOST_VIEWS = 12
# A search that fails at more places than these is wrong everywhere, and given up.
_MOST_PLACES = 8
# So many functions are suspected in vain: the frames of one error seldom hold more.
_MOST_CLEARED = 16


class Failure(NamedTuple):
    """A search that failed, because the linter itself is wrong.

    ``place`` is the function that it was at, if that can be seen. ``lost`` tells that the search was given
    up, so that nothing of what it would have found is known; otherwise only that place was left out.
    """

    name: str
    error: Exception
    place: Place | None
    lost: bool

    @property
    def what(self) -> tuple[Place | None, str]:
        """The failure apart from who came across it."""
        return self.place, " ".join(f"{type(self.error).__name__}: {self.error}".split())


class Isolation(Generic[View]):
    """Searches over one project, each kept from spoiling the rest of itself and the others.

    ``view`` is what searches ask, and ``make`` makes one of another project.
    """

    def __init__(self, project: Project, view: View, make: Callable[[Project], View]) -> None:
        self.failures: list[Failure] = []
        self._project = project
        self._make = make
        self._views: dict[frozenset[Key], View] = {frozenset(): view}

    def search(self, name: str, find: Callable[[View], Iterable[Fact]]) -> list[Fact]:
        """All that a search finds, but for the places where it fails: these go to ``failures``."""
        blamed: dict[Key, Exception] = {}
        cleared: set[Key] = set()
        others: list[Key] = []
        while True:
            found, error, seen = self._attempt(find, frozenset(blamed))
            if error is None:
                self.failures += [
                    Failure(name, cause, self._place(key), False) for key, cause in blamed.items()
                ]
                return found
            suspects = [key for key in seen if key not in blamed and key not in cleared]
            if suspects and suspects[0] in others:
                cleared.add(blamed.popitem()[0])  # it fails in the same way without the one before
            if not suspects or len(blamed) == _MOST_PLACES or len(cleared) == _MOST_CLEARED:
                self.failures.append(Failure(name, error, self._place(seen[0]) if seen else None, True))
                return []
            blamed[suspects[0]] = error
            others = suspects[1:]

    def run(self, name: str, step: Callable[[View], object]) -> None:
        """A search for nothing but its effect."""

        def nothing(view: View) -> tuple[()]:
            step(view)
            return ()

        self.search(name, nothing)

    def told(self) -> list[Failure]:
        """The failures, without those of searches for files that are told by a search for facts as well."""
        told = {failure.what for failure in self.failures if failure.name != READING}
        return [failure for failure in self.failures if failure.name != READING or failure.what not in told]

    def _attempt(
        self, find: Callable[[View], Iterable[Fact]], left_out: frozenset[Key]
    ) -> tuple[list[Fact], Exception | None, list[Key]]:
        """What is found without these places; or the error, and where the search may have been."""
        view = self._without(left_out)
        try:
            return list(find(view)), None, []
        except Exception as error:
            suspects = list(self._suspects(error.__traceback__))
            return [], error.with_traceback(None), suspects  # the frames hold the whole project

    def _without(self, left_out: frozenset[Key]) -> View:
        view = self._views.get(left_out)
        if view is None:
            names: dict[str, set[str]] = {}
            for path, qualname in left_out:
                names.setdefault(path, set()).add(qualname)
            modules = (
                _without(module, names[path]) if path in names else module
                for path, module in self._project.modules.items()
            )
            if len(self._views) > _MOST_VIEWS:
                del self._views[next(known for known in self._views if known)]
            view = self._views[left_out] = self._make(self._project.of_modules(modules))
        return view

    def _place(self, key: Key) -> Place:
        path, qualname = key
        module = self._project.modules[path]
        found = module.functions.get(qualname) or module.classes.get(qualname)
        return Place(path, (found or module.functions[""]).span)

    def _suspects(self, trace: TracebackType | None) -> Iterator[Key]:
        """Where a search may have been when it failed: the functions in hand, the innermost frame first."""
        frames = []
        trace = trace.tb_next if trace is not None else None  # beyond the frame of `_attempt` itself
        while trace is not None:
            frames.append(trace.tb_frame)
            trace = trace.tb_next
        # What was bound last is what a loop was at.
        values = [value for frame in reversed(frames) for value in reversed(frame.f_locals.values())]
        homes = {
            id(part): (path, part.qualname)
            for path, module in self._project.modules.items()
            for part in _members(module)
            if part.qualname
        }
        parts = [part for value in values for part in _parts(value, 2)]
        yield from dict.fromkeys(homes[id(part)] for part in parts if id(part) in homes)
        paths = [part.path for part in parts if isinstance(part, Module)]
        yield from dict.fromkeys((path, "") for path in paths if path in self._project.modules)


def _members(module: Module) -> Iterator[Function | Class]:
    yield from [function for _, function in module.functions.every()]
    yield from module.classes.values()


def _parts(value: Any, depth: int) -> Iterator[Function | Class | Module]:
    """The functions, classes and modules that a value of a frame is or holds."""
    if isinstance(value, (Function, Class, Module)):
        yield value
    elif isinstance(value, Flow):
        yield value.function
    elif isinstance(value, tuple) and depth:
        for item in value:
            yield from _parts(item, depth - 1)


def _without(module: Module, names: set[str]) -> Module:
    """A module without these functions and classes, and what is in them."""
    if "" in names:
        top = module.functions[""]._replace(decorators=(), returns=(), values=(), packed_calls="")
        return Module(
            module.path,
            module.digest,
            {},
            (),
            {},
            Defined({"": top._replace(packed_steps="")}),
            {},
            (),
            (),
            (),
        )

    def stays(qualname: str) -> bool:
        return not any(qualname == name or qualname.startswith((f"{name}/", f"{name}.")) for name in names)

    classes = {
        name: class_._replace(methods=tuple(m for m in class_.methods if stays(f"{name}.{m}")))
        for name, class_ in module.classes.items()
        if stays(name)
    }
    return module._replace(
        functions=Defined([(name, each) for name, each in module.functions.every() if stays(name)]),
        classes=classes,
        assignments=tuple(a for a in module.assignments if stays(a.function)),
        misplaced_awaits=tuple(a for a in module.misplaced_awaits if stays(a.function)),
    )
