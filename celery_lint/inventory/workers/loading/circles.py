"""Imports that fail since the module that they take a name from has not come to it yet: it is in a circle.

The modules that a worker imports are gone through in the order in which Python does it. A module on the way
that imports another by a condition, in a ``try`` or by name may have it imported before: then nobody knows
the order, and nothing is said of it. https://docs.python.org/3/faq/programming.html (circular imports)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from celery_lint.diagnostics import Span
from celery_lint.inventory.workers.loading.certain import CertainImports, Way, above, absolute
from celery_lint.inventory.workers.loading.imported import NAMES_OF_IMPORTING
from celery_lint.inventory.workers.loading.unimportable import Unimportable
from celery_lint.model.facts import ANYTHING, ImportStatement, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts
from celery_lint.project.unseen.set_attributes import SetAttributes

# What loads whatever a framework has installed.
_LOADING = NAMES_OF_IMPORTING | {"setup"}
_MOST = 600
_SHOWN = 4

Read = Callable[[str], "Module | None"]


class _Open(NamedTuple):
    """A module that Python has begun to import, and the import that it is at."""

    name: str
    module: Module
    statement: ImportStatement


class Circle(NamedTuple):
    """An import of a name that its module has not bound yet.

    ``ways`` are the imports that lead from there back to the failing one, as (place, name of the module).
    """

    place: Place
    module: Module
    name: str
    bound: Place
    ways: tuple[tuple[Place, str], ...]

    def related(self) -> tuple[tuple[Place, str], ...]:
        """The way there and the place that binds the name, as findings show them."""
        ways = [(place, f"here a worker goes on to `{name}`") for place, name in self.ways[:_SHOWN]]
        return (*ways, (self.bound, f"`{self.name}` is bound here, too late"))


class Circles:
    """The circles of imports at which workers end."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.certain = known.of(CertainImports)
        self.unimportable = known.of(Unimportable)
        self.set_attributes = known.of(SetAttributes)

    @facts
    def all(self) -> list[Circle]:
        """The first of each worker, by path and line."""
        found = {}
        for start in self.certain.starts:
            if _Run(self, start, self.project.modules.find).circle is not None:  # then all files count
                circle = _Run(self, start, self._read).circle
                if circle is not None:
                    found[circle.place] = circle
        return sorted(found.values(), key=lambda circle: (circle.place.path, circle.place.span))

    def _read(self, path: str) -> Module | None:
        return self.project.modules.find(path) or self.project.reading.module(path, "import")

    def bound_later(self, module: Module, name: str, line: int) -> int | None:
        """The line behind another on which a module binds a name for the first time, if that is certain."""
        if module.star_imports or ANYTHING in module.hidden or name in module.hidden:
            return None
        if name in self.set_attributes.names:
            return None
        lines = [value.span.line for value in module.bindings.get(name, ())]
        if name in module.functions:
            lines.append(module.functions[name].span.line)
        if name in module.classes:
            lines.append(module.classes[name].span.line)
        if name in module.imports:
            target = module.imports[name]
            own = [each.span.line for each in module.needed if _takes(each, target)]
            if not own:
                return None
            lines += own
        if not lines or min(lines) <= line:
            return None
        # Of several functions of one name the last has it.
        earlier = [each.span.line for each in module.functions.again(name)]
        return min(lines) if line < min([*lines, *earlier]) else None

    def may_load(self, module: Module, line: int) -> bool:
        """Whether the module's own code may import others before a line, but by its imports."""
        top = module.functions.get("")
        calls = self.project.functions.calls(module, top) if top is not None else []
        for call in calls:
            if call.span.line >= line:
                continue
            if call.leaf() in _LOADING:
                return True
            function = self.project.resolve(module, call.chain).function()
            if function is not None and function.has("import"):
                return True
        return False

    def may_import(self, module: Module) -> Iterator[str]:
        """The files of what a module imports under a condition or in a ``try``."""
        needed = {each.dotted(name) for each in module.needed for name in each.names}
        for target in module.imports.values():
            if target not in needed:
                located = self.project.imports.locate(target, module.path)
                if located is not None:
                    yield located.path


class _Run:
    """One start of a worker: what it imports, in order, as far as the first circle that fails."""

    def __init__(self, circles: Circles, start: list[Way], read: Read) -> None:
        self.circles = circles
        self.way, self.read = start[0], read
        self.circle: Circle | None = None
        self.ended = False
        self._done: set[str] = set()
        self._open: list[_Open] = []
        self._doubtful: set[str] = set()
        for each in start:
            self._load(each.name)

    def _load(self, name: str) -> None:
        for each in (*reversed(list(above(name))), name):
            if not self.ended and each not in self._done and not any(o.name == each for o in self._open):
                file = self.circles.certain.find(self.way, each)
                module = self.read(file) if file is not None else None
                if module is None or len(self._done) > _MOST:
                    self._done.add(each)
                else:
                    self._run(each, module)

    def _run(self, name: str, module: Module) -> None:
        self.ended = self.ended or not module.compiles
        failing = {each.statement for each in self.circles.unimportable.failing.get(module.path, ())}
        self._doubtful.update(self.circles.may_import(module))
        for statement in sorted(module.needed, key=lambda each: each.span):
            if self.ended:
                return
            if statement in failing:
                self.ended = True
                return
            self._open.append(_Open(name, module, statement))
            self._import(statement, module, name)
            if not self.ended:
                self._open.pop()
        self._done.add(name)

    def _import(self, statement: ImportStatement, module: Module, name: str) -> None:
        target = absolute(statement, module.path, name)
        if not target or self.circles.certain.may_be_another(target, name):
            return
        self._load(target)
        for part in statement.names:
            if self.ended or part == "*":
                return
            inside = self.circles.certain.find(self.way, f"{target}.{part}")
            opened = next((each for each in self._open[:-1] if each.name == target), None)
            if inside is not None:
                file = self.circles.certain.find(self.way, target)
                package = self.read(file) if file is not None else None
                if opened is not None or package is None or not _binds(package, part):
                    self._load(f"{target}.{part}")
            elif opened is not None:
                self._take(opened, part)

    def _take(self, opened: _Open, part: str) -> None:
        """Take a name from a module that has not come further than to one of its imports."""
        line = self.circles.bound_later(opened.module, part, opened.statement.span.line)
        if line is None:
            return
        self.ended = True
        between = self._open[self._open.index(opened) :]
        if any(each.module.path in self._doubtful for each in between[1:]):
            return
        if any(self.circles.may_load(each.module, each.statement.span.line) for each in self._open):
            return
        last = self._open[-1]
        ways = [
            (each.module.place(each.statement.span), following.name) for each, following in pairwise(between)
        ]
        place = last.module.place(last.statement.span)
        bound = opened.module.place(Span(line, 1, line, 1))
        self.circle = Circle(place, opened.module, part, bound, tuple(ways))


def _takes(statement: ImportStatement, target: str) -> bool:
    if not statement.names:
        return statement.module == target or statement.module.partition(".")[0] == target
    return any(statement.dotted(name) == target for name in statement.names)


def _binds(package: Module, name: str) -> bool:
    return name in package.bindings or name in package.imports or name in package.functions
