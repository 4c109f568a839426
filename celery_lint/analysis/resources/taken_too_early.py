"""Names that task code has from an import which took them while they were ``None``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.loading.certain import CertainImports
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.project.known import Known, facts, once
from celery_lint.project.set_later import setters

# Signals that a worker sends before it imports the modules of its tasks.
_BEFORE_IMPORTS = ("celeryd_init", "import_modules")
_TESTS = frozenset({"if", "while", "assert", "match"})
# What is raised where ``None`` is called or asked for an attribute: whoever names it knows.
_OF_NONE = frozenset({"AttributeError", "TypeError"})


class Taken(NamedTuple):
    """A name that a module has taken too early.

    ``name`` is what it is called where it is set, ``home`` the module of that, and ``setter`` the function
    that sets it.
    """

    place: Place
    name: str
    home: Module
    setter: Function


class TakenTooEarly(NamedTuple):
    """The first use of such a name that a task comes to; ``called``: it is called itself, and no method."""

    taken: Taken
    place: Place
    use: str
    called: bool
    tasks: tuple[Task, ...]


class EarlyNames:
    """What task code asks of names that it has taken before a function has set them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.certain = known.of(CertainImports)

    @facts
    def all(self) -> list[TakenTooEarly]:
        """The first use of each, by place."""
        found: dict[Place, TakenTooEarly] = {}
        if not self._taken:
            return []
        for (path, qualname), reached in self.graph.deeply_reached.items():
            module = self.project.modules.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is None or function is None or path not in self._taken:
                continue
            tasks = tuple(way.task for way in reached)
            for use in self._uses(module, function, tasks):
                known = found.get(use.taken.place)
                if known is None or use.place < known.place:
                    found[use.taken.place] = use
        return [found[place] for place in sorted(found)]

    def _uses(self, module: Module, function: Function, tasks: tuple[Task, ...]) -> Iterator[TakenTooEarly]:
        for target, taken in self._taken[module.path].items():
            for call in self.functions.calls(module, function):
                called = call.chain == target
                if (called or call.chain.startswith((f"{target}.", f"{target}()"))) and not self._is_asked(
                    module, function, call, target
                ):
                    use = taken.name if called else f"{taken.name}.{call.leaf()}"
                    place = module.place(call.span)
                    yield TakenTooEarly(taken, place, use, called, tasks)
                    break

    def _is_asked(self, module: Module, function: Function, call: Call, target: str) -> bool:
        """Whether a function asks whether it has more than ``None``, or has a handler for that."""
        flow = self.functions.of(module, function)
        own = {name for name, dotted in module.imports.items() if dotted == target}
        if any(step.kind in _TESTS and not own.isdisjoint(step.loads) for step in flow.steps):
            return True
        step = flow.step_of(call)
        tries = [outer for outer in flow.ancestors(step) if outer.kind == "try"] if step is not None else []
        return any(
            chain.rpartition("~")[2] in _OF_NONE
            for outer in tries
            for handler in flow.body(outer, "handler")
            for chain in handler.chains
        )

    # ------------------------------------------------------------------ what is taken

    @once
    def _taken(self) -> dict[str, dict[str, Taken]]:
        """What modules take too early that are there before a task: by path, and by its chain there."""
        found: dict[str, dict[str, Taken]] = {}
        modules = self.project.product_modules()
        late = {name for module in modules for name in module.hidden if setters(module, name)}
        for module in modules if late else ():
            for statement in module.needed:
                for name in late.intersection(statement.names):
                    taken = self._taken_by(module, statement.dotted(name), module.place(statement.span))
                    if taken is not None and module.path in self._imported:
                        found.setdefault(module.path, {})[statement.dotted(name)] = taken
        return found

    def _taken_by(self, module: Module, target: str, place: Place) -> Taken | None:
        home, setter = self._set_later(module, target)
        return Taken(place, target.rpartition(".")[2], home, setter) if home and setter else None

    @once
    def _imported(self) -> frozenset[str]:
        """The modules that are there before a task runs: its own, and what that cannot do without."""
        found = {task.module.path for task in self.graph.unsent.running} | self.certain.all.keys()
        line = list(found)
        for path in line:  # which grows meanwhile
            module = self.project.modules.find(path)
            for statement in module.needed if module is not None else ():
                dotted = [statement.module, *map(statement.dotted, statement.names)]
                for located in (self.project.imports.locate(each, path) for each in dotted):
                    if located is not None and located.path not in found:
                        found.add(located.path)
                        line.append(located.path)
        return frozenset(found)

    def _set_later(self, module: Module, target: str) -> tuple[Module | None, Function | None]:
        """The module that holds what an import takes, and the function that sets it after that."""
        dotted, _, name = target.rpartition(".")
        located = self.project.imports.locate(dotted or target[: len(target) - len(name)], module.path)
        home = self.project.modules.find(located.path) if located is not None and not located.rest else None
        if home is None or home is module:
            return None, None
        if name in home.imports:  # a package hands on what it has taken itself
            further = home.imports[name]
            return self._set_later(home, further) if further != target else (None, None)
        later = setters(home, name)
        if not later or self._is_set_before(name, later):
            return None, None
        return home, later[0]

    def _is_set_before(self, name: str, later: list[Function]) -> bool:
        """Whether anything may set a name before workers import their tasks: another module, or a signal."""
        if any(
            each.key == name and not each.subscript
            for m in self.project.product_modules()
            for each in m.assignments
        ):
            return True
        return self._may_run_early(frozenset(function.name for function in later))

    def _may_run_early(self, names: frozenset[str]) -> bool:
        """Whether what a worker imports may call functions of these names, by whatever functions it calls."""
        known, line = set(names), names
        while line:
            callers = set()
            for module, function in self.project.calling(*line):
                if not function.name:
                    if module.path in self._imported:
                        return True
                elif any(_is_early(decorator.chain) for decorator in function.decorators):
                    return True
                else:
                    callers.add(function.name)
                    callers.add(function.owner.rpartition(".")[2])  # who makes an object may call it all
            line = frozenset(callers - known - {""})
            known |= line
        return False


def _is_early(decorator: str) -> bool:
    return any(signal in decorator for signal in _BEFORE_IMPORTS)
