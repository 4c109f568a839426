"""Imports that fail, since what they name is not there: a worker ends when it starts, or a run of a task."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from celery_lint.inventory.code.ends.imports import FailingImports
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import EVERY_ERROR, Handlers
from celery_lint.inventory.code.runners import SUPPRESS
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.absent import Missing
from celery_lint.inventory.workers.loading.certain import CertainImports, Way, above, absolute
from celery_lint.inventory.workers.loading.unimportable import MOST_IN_USE, Failing, Unimportable
from celery_lint.libraries.celery import SENDING
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, ImportStatement, Module, Place, Value
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Refused, Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

_SETTING = (".append", ".insert", ".extend")
_ON_PATH = tuple([f"sys.path{leaf}" for leaf in _SETTING])
# What catches the error of an import: whoever names one of these can do without what is imported.
_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError"})
# Decorators of these do nothing about errors: they bind, keep, describe and register.
_PLAIN = ("~classmethod", "~property", "~staticmethod", "abc.", "celery.", "functools.", "typing.")
# What asks whether something is there, before it is imported.
_ASKING = ("TYPE_CHECKING", "version_info", "hasattr()", "find_spec()", ".is_installed()")


class FailedImport(NamedTuple):
    """An import that fails, what it lacks, and the ways by which a worker gets to it.

    ``beyond``: it leads out of the package by whose name the worker imports the module. ``shorter``: it names
    that package without the folders before it, and nothing has that name. ``passed``: the worker goes on
    without this module. ``behind``: so many more fail in what it has not come to by then.
    """

    place: Place
    module: str
    missing: Missing | None
    ways: tuple[Way, ...]
    beyond: str = ""
    shorter: str = ""
    passed: bool = False
    behind: int = 0


class FailedModule(NamedTuple):
    """What Python refuses of a module that a worker imports: the first, and the places of others."""

    place: Place
    refused: Refused
    others: tuple[Place, ...]
    ways: tuple[Way, ...]


class FailedImports:
    """The imports that fail in modules that a worker certainly imports."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.imports = known.project.imports
        self.tasks = known.of(Tasks)
        self.certain = known.of(CertainImports)
        self.unimportable = known.of(Unimportable)

    @facts
    def all(self) -> list[FailedImport]:
        """Those imports, by path and line: of many the first alone that a worker comes to."""
        if len(self._each) <= MOST_IN_USE:
            return self._each
        nearest = min(len(failed.ways) for failed in self._each)
        own, *others = [failed for failed in self._each if len(failed.ways) == nearest]
        return [own._replace(behind=len(self._each) - len(others) - 1), *others]

    @once
    def paths(self) -> frozenset[str]:
        """The paths of the modules that they stand in."""
        return frozenset(failed.place.path for failed in self._each)

    @once
    def _each(self) -> list[FailedImport]:
        return [failed for path in sorted(self.certain.all) for failed in self._in_module(path)]

    @facts
    def uncompiled(self) -> list[FailedModule]:
        """The modules among them that Python does not compile, by path: all have the parser's consent.

        Where a module of tasks has an ``await`` in a plain function before that, another rule tells it.
        """
        found = []
        of_tasks = {task.module.path for task in self.tasks.all}
        for path in sorted(self.certain.all):
            module = self.project.modules.find(path)
            if module is not None and module.refused and not (module.awaits_first and path in of_tasks):
                first, *others = module.refused
                alike = [module.place(each.span) for each in others if each.kind == first.kind]
                ways = tuple(self.certain.chain(path))
                found.append(FailedModule(module.place(first.span), first, tuple(alike), ways))
        return found

    def _in_module(self, path: str) -> Iterator[FailedImport]:
        module, way = self.project.modules.find(path), self.certain.all[path]
        if module is None or not module.compiles:
            return
        ways = tuple(self.certain.chain(path))
        for failing in self.unimportable.failing.get(path, ()):
            if self._is_the_same(failing, module, way):
                place = module.place(failing.statement.span)
                passed = way.may_fail and bool(failing.missing.module)
                yield FailedImport(place, way.name, failing.missing, ways, passed=passed)
        for statement in module.needed if self.certain.names_are_known else ():
            place = module.place(statement.span)
            if not absolute(statement, path, way.name):
                yield FailedImport(place, way.name, None, ways, statement.module)
            elif not way.may_fail and self._lacks_folders(statement, way):
                yield FailedImport(place, way.name, None, ways, shorter=statement.module)

    def _lacks_folders(self, statement: ImportStatement, way: Way) -> bool:
        """Whether an import names the package of its own module without the folders before it.

        The worker imports the same file by its full name elsewhere, more do than name it so, and nobody puts
        these folders on the path.
        """
        dotted = statement.module
        top = dotted.partition(".")[0]
        before, found, _ = f".{way.name}".partition(f".{top}.")
        before = before.lstrip(".")
        if not top or not found or not before:
            return False
        if top in sys.stdlib_module_names:
            return False  # `import logging` in a package of that name
        folder = "/".join([*([way.root] if way.root else []), *before.split(".")])
        if self._path_is_set or self.imports.holders(top) != [folder]:
            return False
        if self.project.deployment.unlisted.may_install(top):
            return False
        named = f"{before}.{dotted}"
        file = self.certain.file(way.root, named)
        known = self.certain.all.get(file) if file is not None else None
        return known is not None and known.name == named and self._are_more(named, dotted)

    @once
    def _path_is_set(self) -> bool:
        """Whether anything puts folders on the path that modules are looked for in, whichever these are."""
        if self.project.deployment.python_path or any(m.on_path for m in self.project.product_modules()):
            return True
        return any(
            value.chain.endswith((*_ON_PATH, "addsitedir"))
            for _, function in self.project.calling(*_SETTING, ".addsitedir")
            for _, value in function.values
        )

    def _are_more(self, long: str, short: str) -> bool:
        """Whether more modules name a package with the folders before it than without."""
        package = short.partition(".")[0]
        long = f"{long.removesuffix(short)}{package}."
        named = [
            name
            for module in self.project.product_modules()
            for name in {target[: len(long)] for target in module.imports.values()}
        ]
        return named.count(long) > sum(name.startswith(f"{package}.") for name in named)

    def _is_the_same(self, failing: Failing, module: Module, way: Way) -> bool:
        """Whether the file that lacks something is the one that the worker looks into."""
        statement, missing = failing
        name = absolute(statement, module.path, way.name)
        if missing.is_at_the_root:
            return way.root == missing.path
        if missing.module:
            if not missing.path.endswith(".py"):  # a folder
                return any(
                    "/".join([*([root] if root else []), *each.split(".")]) == missing.path
                    for root in (way.root, *way.others)
                    for each in above(name)
                )
            return any(self.certain.find(way, each) == missing.path for each in (name, *above(name)))
        return self.certain.find(way, name) == missing.path


class LackingImport(NamedTuple):
    """An import in a function that fails there, and what it lacks.

    ``tasks``: those whose runs come to it. ``sends``: where the function sends a task behind it, for one that
    no task runs.
    """

    place: Place
    missing: Missing
    tasks: tuple[Task, ...]
    sends: Place | None


class LackingImports:
    """What functions take in vain from modules of the project, where a task runs them or they send one."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.imports = known.of(FailingImports)
        self.sendings = known.of(Sendings)
        self.graph = known.of(CallGraph)
        self.handlers = known.of(Handlers)
        self.makers = known.of(Makers)

    @facts
    def all(self) -> list[LackingImport]:
        """Those imports, by path and line; of each function the first that fails on a way."""
        reached = self.graph.deeply_reached
        asked = dict.fromkeys([*reached, *self.senders])
        return sorted(
            (
                found
                for module, function in self.project.modules.functions_at(asked)
                if is_product_path(module.path)
                for found in self._in(module, function)
            ),
            key=lambda found: (found.place.path, found.place.span.start),
        )

    @once
    def senders(self) -> frozenset[Key]:
        """The functions that import something and call what sends a task."""
        return frozenset(
            (module.path, function.qualname)
            for module, function in self.project.calling(*(f".{word}" for word in sorted(SENDING)))
            if function.name and function.has("import")
        )

    def _in(self, module: Module, function: Function) -> Iterator[LackingImport]:
        ways = self.graph.deeply_reached.get((module.path, function.qualname), ())
        tasks = tuple({way.task.key: way.task for way in ways}.values())
        called = any(way.through is not None for way in ways)
        flow = self.functions.of(module, function)
        for step, statement, missing in self.imports.lacking(module, function):
            if self._is_expected(module, flow, step) or (missing.module and _is_optional(flow, step)):
                continue
            if self._is_wrapped(module, function, called) or (called and self._is_tried(function)):
                return  # asked last: it goes through all functions, and few of these lack anything
            sent = None if tasks else self._sent_behind(module, function, step, statement)
            if tasks or sent is not None:
                yield LackingImport(module.place(step.span), missing, tasks, sent)
                return

    def _is_expected(self, module: Module, flow: Flow, step: Step) -> bool:
        """Whether the code goes on without what is imported, or no run comes to it."""
        if self._is_caught(module, flow, step):
            return True
        return any(
            chain.endswith(_ASKING)
            for outer in flow.ancestors(step)
            if outer.kind == "if"
            for chain in outer.chains
        )

    def _is_caught(self, module: Module, flow: Flow, step: Step) -> bool:
        """Whether the error of an import ends at a handler around a statement, or may."""
        handlers = (each for attempt in flow.attempts(step) for each in flow.body(attempt, "handler"))
        if any(self._catches(module, flow, handler) for handler in handlers):
            return True
        return any(self._suppresses(module, flow, outer) for outer in flow.ancestors(step))

    def _catches(self, module: Module, flow: Flow, handler: Step) -> bool:
        caught = self.handlers.caught(module, handler)
        if caught is None or caught & _CAUGHT:
            return True
        return bool(caught & EVERY_ERROR) and not _goes_out(flow, handler)

    def _is_tried(self, function: Function) -> bool:
        """Whether a call of a function of this name stands where a handler catches the error."""
        for module, caller in self.project.calling(function.name):
            flow = self.functions.of(module, caller)
            for call in self.functions.calls(module, caller):
                if call.leaf() != function.name:
                    continue
                step = flow.step_of(call)
                if step is not None and self._is_caught(module, flow, step):
                    return True
        return False

    def _is_wrapped(self, module: Module, function: Function, called: bool) -> bool:
        """Whether a decorator may call the function where a handler catches the error.

        One of the project does if it has such a handler. Of one of a library that is not known nobody knows,
        where the function is ``called``: what a task or a view does is nobody's else to see to.
        """
        return any(
            self.makers.maker(module, decorator) is None and self._may_catch(module, decorator, called)
            for decorator in function.decorators
        )

    def _may_catch(self, module: Module, decorator: Value, called: bool) -> bool:
        entity = self.project.resolve(module, decorator.chain)
        if entity.kind not in ("function", "class") or entity.module is None:
            known = decorator.chain.startswith(_PLAIN) or f"{entity.name}.".startswith(_PLAIN)
            return called and not known
        home = entity.module
        return any(
            self._catches(home, flow, step) if step.kind == "handler" else self._suppresses(home, flow, step)
            for inner in self.functions.within(home, entity.name)
            for flow in (self.functions.of(home, inner),)
            for step in flow.steps
        )

    def _suppresses(self, module: Module, flow: Flow, step: Step) -> bool:
        """Whether a statement is a ``with suppress(ImportError)``."""
        if step.kind != "with" or SUPPRESS not in step.chains:
            return False
        calls = self.functions.calls(module, flow.function)
        given = {leaf_of_chain(each.chain) for number in step.calls for each in calls[number].takes}
        return not given.isdisjoint(_CAUGHT | EVERY_ERROR)

    def _sent_behind(
        self, module: Module, function: Function, step: Step, statement: ImportStatement
    ) -> Place | None:
        """The first call that an import leads to and that sends a task or what is imported."""
        imported = {statement.dotted(name) for name in statement.names}
        flow = self.functions.of(module, function)
        for call in self.functions.calls(module, function):
            if call.leaf() not in SENDING or call.span.start < step.span.start:
                continue
            sending = flow.step_of(call)
            if sending is None or not _is_behind(flow, step, sending):
                continue
            if self._is_sent(module, function, call, imported):
                return module.place(call.span)
        return None

    def _is_sent(self, module: Module, function: Function, call: Call, imported: set[str]) -> bool:
        if call.chain.rpartition(".")[0] in imported:
            return True
        sending = self.sendings.of(module, function, call)
        return sending is not None and sending.task is not None


def _is_optional(flow: Flow, step: Step) -> bool:
    """Whether a condition decides that a module is imported: what is not there may be of another edition."""
    if any(outer.kind == "if" for outer in flow.ancestors(step)):
        return True
    return any(
        other.kind in ("return", "raise") and any(outer.kind == "if" for outer in flow.ancestors(other))
        for other in flow.steps[: step.number]
    )


def _is_behind(flow: Flow, step: Step, other: Step) -> bool:
    """Whether a run comes to a statement after another one: not in another branch, handler or `finally`."""
    within = {other.number, *(outer.number for outer in flow.ancestors(other))}
    current = step
    for outer in (*flow.ancestors(step), None):
        if current.role in ("body", "else", "finally"):
            following = [each for each in flow.body(outer, current.role) if each.number > current.number]
            if outer is not None and outer.kind == "try" and current.role == "body":
                following += flow.body(outer, "else")
            if any(each.number in within for each in following):
                return True
        current = outer or current
    return False


def _goes_out(flow: Flow, handler: Step) -> bool:
    """Whether a handler raises in its own block: the error, another one, or a retry."""
    return any(
        step.kind == "raise" or any(chain.endswith(".retry()") for chain in step.chains)
        for step in flow.body(handler)
    )
