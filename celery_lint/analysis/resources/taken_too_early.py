"""Names that task code has from an import which took them while they were ``None``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.loading.certain import CertainImports
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, ImportStatement, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once
from celery_lint.project.set_later import setters

# What a worker runs before it imports the modules of its tasks: handlers of these signals, and methods of
# loaders and of applications of Django. `celeryd_init` and `worker_init` come after that.
_BEFORE_IMPORTS = ("on_after_configure", "on_configure", "import_modules")
_CALLED_BEFORE = frozenset({"read_configuration", "ready"})
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
    """The first use of such a name in a function that a task comes to.

    ``called``: it is called itself, and no method. ``end`` is the last line of the function.
    """

    taken: Taken
    place: Place
    use: str
    called: bool
    tasks: tuple[Task, ...]
    end: int


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
        for use in self._all:
            known = found.get(use.taken.place)
            if known is None or use.place < known.place:
                found[use.taken.place] = use
        return [found[place] for place in sorted(found)]

    @once
    def _all(self) -> list[TakenTooEarly]:
        """The uses in all functions that tasks come to."""
        found: list[TakenTooEarly] = []
        if not self._taken:
            return found
        for (path, qualname), reached in self.graph.deeply_reached.items():
            module = self.project.modules.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is None or function is None or path not in self._taken:
                continue
            tasks = tuple(way.task for way in reached)
            found.extend(self._uses(module, function, tasks))
        return found

    def holds(self, place: Place) -> bool:
        """Whether a place lies at such a use or behind it, in the same function: no run comes to it."""
        return any(first <= place.span.line <= last for first, last in self._lines.get(place.path, ()))

    @once
    def _lines(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = {}
        for use in self._all:
            found.setdefault(use.place.path, []).append((use.place.span.line, use.end))
        return found

    def _uses(self, module: Module, function: Function, tasks: tuple[Task, ...]) -> Iterator[TakenTooEarly]:
        """The first use of each name in a function, where that does nothing else with it."""
        for target, taken in self._taken[module.path].items():
            flow = self.functions.of(module, function)
            own = {name for name, dotted in module.imports.items() if dotted == target}
            saying = [step for step in flow.steps if not own.isdisjoint(step.loads)]
            direct = [step for step in saying if step.value.startswith((f"{target}()", f"{target}."))]
            if not direct or len(direct) < len(saying) or self._is_bound_again(flow, own, target):
                continue
            if self._is_asked(module, flow, direct[0], target):
                continue
            called = direct[0].value.startswith(f"{target}()")
            use = (
                taken.name if called else f"{taken.name}.{leaf_of_chain(direct[0].value.partition('()')[0])}"
            )
            place = module.place(direct[0].span)
            yield TakenTooEarly(taken, place, use, called, tasks, function.end_line)

    def _is_bound_again(self, flow: Flow, own: set[str], target: str) -> bool:
        """Whether a function binds a name itself, or imports it once more."""
        leaf = target.rpartition(".")[2]
        return any(
            not own.isdisjoint(step.stores)
            or (step.kind == "import" and any(chain.partition("=")[0] == leaf for chain in step.chains))
            for step in flow.steps
        )

    def _is_asked(self, module: Module, flow: Flow, step: Step, target: str) -> bool:
        """Whether a function asks the module of a name first, or is ready for what ``None`` raises."""
        home = target.rpartition(".")[0]
        calls = self.functions.calls(module, flow.function)
        if any(
            each.kind in _TESTS and any(calls[n].chain.startswith(f"{home}.") for n in each.calls)
            for each in flow.steps
        ):
            return True
        around = list(flow.ancestors(step))
        if any(outer.kind == "with" and "suppress()" in outer.value for outer in around):
            return True
        for outer in around:
            for handler in flow.body(outer, "handler") if outer.kind == "try" else ():
                if any(chain.rpartition("~")[2] in _OF_NONE for chain in handler.chains):
                    return True
                for inner in flow.below(handler):
                    if any(calls[n].chain.startswith(f"{home}.") for n in inner.calls):
                        return True  # it has another way
        return False

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
        own = self._of_tasks | self.certain.all.keys()
        found = map(self.project.modules.find, sorted(own))
        return own | self._needed([(m.path, each) for m in found if m is not None for each in m.needed])

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
        if not later or self._is_set_before(home, name, later):
            return None, None
        return home, later[0]

    def _is_set_before(self, home: Module, name: str, later: list[Function]) -> bool:
        """Whether anything may set a name before workers import their tasks: another module, or a signal."""
        if any(
            each.key == name and not each.subscript
            for m in self.project.product_modules()
            for each in m.assignments
        ):
            return True
        return self._may_run_early(home, later)

    def _may_run_early(self, home: Module, later: list[Function]) -> bool:
        """Whether what a worker imports may call these functions, by whatever functions it calls.

        Or a function that imports modules besides, which may be those of tasks, and that a module calls.
        """
        line = [(home, each, self._imports_tasks(home, each)) for each in later]
        if self._are_handed_on(home, later):
            return True
        seen = {(module.path, each.qualname) for module, each, _ in line}
        for target, called, importing in line:  # which grows meanwhile
            if called.name in _CALLED_BEFORE or any(_is_early(each.chain) for each in called.decorators):
                return True
            if self._is_said_unread(called, importing):
                return True
            for module, function in self._callers(target, called):
                if not function.name and (importing or module.path in self._imported):
                    return True
                if function.name and (module.path, function.qualname) not in seen:
                    seen.add((module.path, function.qualname))
                    imports = importing or self._imports_tasks(module, function)
                    line.append((module, function, imports))
        return False

    def _callers(self, home: Module, called: Function) -> Iterator[tuple[Module, Function]]:
        """Who may call a function, or make an object whose method it is: also by a name of who knows what."""
        names = [called.name, *([called.owner.rpartition(".")[2]] if called.owner else [])]
        for module, function in self.project.calling(*names):
            for call in self.functions.calls(module, function):
                if call.leaf() in names and function is not called:
                    entity = self.project.resolve(module, call.chain)
                    known = entity.function()
                    if entity.kind != "external" and (
                        known is None or (known is called and entity.module is home)
                    ):
                        yield module, function
                        break

    def _are_handed_on(self, home: Module, later: list[Function]) -> bool:
        """Whether somebody else may call one of these functions, but for signals that come later."""
        for module, function in self.project.holding(*{each.name for each in later}):
            for call in self.functions.calls(module, function):
                late = call.leaf() == "connect" and not _is_early(call.chain)
                for chain in () if late else call.named:
                    entity = self.project.resolve(module, chain)
                    if entity.module is home and entity.function() in later:
                        return True
        return False

    def _is_said_unread(self, function: Function, importing: bool) -> bool:
        """Whether a file that nobody has read may call a function while tasks are still to be imported."""
        return any(
            path.endswith(".py" if importing else "/apps.py")
            and path not in self.project.modules
            and is_product_path(path)
            for path in self.project.deployment.written.holding(function.name)
        )

    def _imports_tasks(self, module: Module, function: Function) -> bool:
        """Whether a function imports a module of tasks, or one that cannot do without such a module."""
        if not function.has("import"):
            return False
        for step in self.functions.of(module, function).steps:
            for chain in step.chains[:1] if step.kind == "import" else ():
                names = [name.partition("=")[0] for name in step.chains[1:]] if chain[:1] != "=" else []
                dotted = chain.lstrip("=").replace("/", ".")
                statement = ImportStatement(dotted, tuple(names), step.span)
                if not self._of_tasks.isdisjoint(self._needed([(module.path, statement)])):
                    return True
        return False

    @once
    def _of_tasks(self) -> frozenset[str]:
        return frozenset(task.module.path for task in self.graph.unsent.running)

    def _needed(self, line: list[tuple[str, ImportStatement]]) -> set[str]:
        """The modules that these imports lead to, with all that these cannot be imported without."""
        found: set[str] = set()
        for path, statement in line:  # which grows meanwhile
            for dotted in (statement.module, *map(statement.dotted, statement.names)):
                located = self.project.imports.locate(dotted, path)
                if located is not None and located.path not in found:
                    found.add(located.path)
                    module = self.project.modules.find(located.path)
                    line += [(located.path, each) for each in (module.needed if module is not None else ())]
        return found


def _is_early(decorator: str) -> bool:
    return any(signal in decorator for signal in _BEFORE_IMPORTS)
