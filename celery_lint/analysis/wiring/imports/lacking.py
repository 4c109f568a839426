"""Imports in functions that fail when a run of a task, or who sends one, comes to them."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.ends.imports import FailingImports
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import EVERY_ERROR, Handlers
from celery_lint.inventory.code.runners import SUPPRESS
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.loading.absent import Missing
from celery_lint.libraries.celery import SENDING
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, ImportStatement, Module, Place, Value
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

# What catches the error of an import: whoever names one of these can do without what is imported.
_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError"})
# Decorators of these do nothing about errors: they bind, keep, describe and register.
_PLAIN = ("~classmethod", "~property", "~staticmethod", "abc.", "celery.", "functools.", "typing.")
# What an ``__exit__`` gives that leaves the error to whoever is around.
_GOING_ON = ("", "#None", "#False")
# So many functions are looked at for who calls them.
_MOST_CALLERS = 12
# What asks whether something is there, before it is imported.
_ASKING = ("TYPE_CHECKING", "version_info", "hasattr()", "find_spec()", ".is_installed()")


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
            if self._is_wrapped(module, function, called) or (called and self._is_tried(module, function)):
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
        around = list(flow.ancestors(step))
        if any(self._suppresses(module, flow, outer) for outer in around):
            return True
        calls = self.functions.calls(module, flow.function)
        return any(
            self._may_keep(self.project.resolve(module, calls[number].chain))
            for outer in around
            for number in (outer.calls if outer.kind == "with" else ())
            if calls[number].is_context_manager
        )

    def _catches(self, module: Module, flow: Flow, handler: Step) -> bool:
        caught = self.handlers.caught(module, handler)
        if caught is None or caught & _CAUGHT:
            return True
        return bool(caught & EVERY_ERROR) and not _goes_out(flow, handler)

    def _is_tried(self, module: Module, function: Function) -> bool:
        """Whether a call that leads to a function stands where a handler catches the error.

        Whatever has its name may mean it; further up, what a call resolves to is looked at.
        """
        functions, seen = [(module, function)], {(module.path, function.qualname)}
        for home, called in functions:  # which grows meanwhile
            for owner, caller in self.project.calling(called.name):
                flow, leads = self.functions.of(owner, caller), False
                for call in self.functions.calls(owner, caller):
                    if call.leaf() != called.name or (
                        called is not function and not self._is(owner, call, home, called)
                    ):
                        continue
                    step, leads = flow.step_of(call), True
                    if step is not None and self._is_caught(owner, flow, step):
                        return True
                key = (owner.path, caller.qualname)
                if leads and key not in seen and caller.name and len(seen) < _MOST_CALLERS:
                    seen.add(key)
                    functions.append((owner, caller))
        return self._is_handed_on(function)

    def _is(self, module: Module, call: Call, home: Module, function: Function) -> bool:
        target = self.graph.target(module, call.chain)
        return target is not None and target[0] is home and target[1].qualname == function.qualname

    def _is_handed_on(self, function: Function) -> bool:
        """Whether one of this name is given to what catches the error: ``safe(load)``."""
        for module, caller in self.project.holding(function.name):
            for call in self.functions.calls(module, caller):
                if any(leaf_of_chain(given.chain).lstrip(":%") == function.name for given in call.takes):
                    target = self.graph.target(module, call.chain)
                    if target is not None and self._has_handler(target[0], target[1].qualname):
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
        return self._has_handler(entity.module, entity.name)

    def _has_handler(self, home: Module, name: str) -> bool:
        """Whether a function or a class catches the error anywhere, whatever it is called for."""
        return any(
            self._catches(home, flow, step) if step.kind == "handler" else self._suppresses(home, flow, step)
            for inner in self.functions.within(home, name)
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

    def _may_keep(self, manager: Entity) -> bool:
        """Whether a context manager of the project may go on behind an error: it says so, or catches it."""
        if manager.kind not in ("function", "class") or manager.module is None:
            return False
        if manager.kind == "function":
            return self._has_handler(manager.module, manager.name)
        left = self.project.attribute(manager, "__exit__")
        function = left.function()
        if function is None or left.module is None:
            return False
        flow = self.functions.of(left.module, function)
        return any(step.kind == "return" and step.value not in _GOING_ON for step in flow.steps)

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
