"""Calls and attributes that raise whenever they are come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.ends.attributes import Attributes
from celery_lint.inventory.code.ends.generators import AsyncGenerators, is_async_generator
from celery_lint.inventory.code.ends.imports import FailingImports
from celery_lint.inventory.code.ends.loggers import Loggers
from celery_lint.inventory.code.ends.session_makers import EnteredMakers
from celery_lint.inventory.code.ends.standard import is_missing
from celery_lint.inventory.code.ends.targets import Targets
from celery_lint.inventory.code.ends.texts import TextsAndBytes
from celery_lint.inventory.code.ends.unbound import UnboundNames
from celery_lint.inventory.code.unawaited import may_fit
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import ATTRIBUTES_OF_TASKS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.known import Known
from celery_lint.project.memory import Remembered
from celery_lint.project.unseen.set_attributes import SetAttributes

# Functions that ask for an attribute that may not be there, or make one.
_BY_NAME = frozenset({"getattr", "hasattr", "setattr", "vars"})
# Statements that come to all that they say themselves, as soon as they are come to.
_AT_ONCE = frozenset({"expr", "assign", "augment", "return", "if", "with", "delete", "raise", "for", "while"})
# Those of which the chain is what they evaluate first.
_FIRST = frozenset({"expr", "assign", "augment", "return", "if", "while"})


class Raising:
    """The statements that certainly raise, by what they call or ask for."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.targets = known.of(Targets)
        self.set_attributes = known.of(SetAttributes)
        self.settings = known.of(Settings)
        self.options = known.of(TaskOptions)
        self.in_force = known.of(OptionsInForce)
        self.imports = known.of(FailingImports)
        self.attributes = known.of(Attributes)
        self.generators = known.of(AsyncGenerators)
        self.texts = known.of(TextsAndBytes)
        self.makers = known.of(EnteredMakers)
        self.unbound = known.of(UnboundNames)
        self.loggers = known.of(Loggers)
        reading = self.project.reading
        reading.tell("functions of tasks", lambda key: key in self.tasks.by_function)
        self._refused = Remembered[frozenset[int]](self._find_refused, reading, "refused calls")
        self._raised = Remembered[frozenset[int]](self._find_raised, reading, "statements that raise")

    def refused(self, module: Module, function: Function) -> frozenset[int]:
        """The numbers of the calls that Python refuses whenever they are made; none runs what it calls."""
        key = (module.path, function.qualname)
        return self._refused.of(key, module, function, self.project.modules.count)

    def _find_refused(self, module: Module, function: Function, _: int) -> frozenset[int]:
        calls = self.functions.calls(module, function) if function.name else ()
        refused = [call for call in calls if self._is_refused(module, function, call)]
        if not refused:
            return frozenset()
        numbers = {call.number for call in refused}
        ahead = {(call.span.start, f"{call.chain}().") for call in refused}
        for call in calls:  # `Client(1, 2).fetch()`, of which the object is never there
            if any(call.span.start == start and call.chain.startswith(begin) for start, begin in ahead):
                numbers.add(call.number)
        return frozenset(numbers)

    def _is_refused(self, module: Module, function: Function, call: Call) -> bool:
        chain = call.chain
        if chain[:1] in "%~":
            return False
        owner, _, name = chain.rpartition(".")
        if "." not in owner and is_missing(owner, name):
            return self._is_of_python(module, owner)
        if chain[:1] == ":" and chain[1:] in module.bindings:
            return self._is_none(module, chain[1:])
        if self.texts.is_refused(module, function, owner, call):
            return True
        if self.loggers.is_refused(module, owner, call):
            return True
        target = self.targets.of(module, chain)
        if target is None:
            made = self.targets.constructor(module, chain)
            if made is not None:
                return not may_fit(made.function, call, made.bound)
            return self.attributes.is_no_value(module, call)
        entered = call.is_context_manager and not call.is_awaited and target.bare
        if entered and (target.function.is_generator or target.function.is_async):
            return True  # it gives a generator or a coroutine, and no context manager
        if entered and self.makers.is_refused(call, target):
            return True
        generates = target.bare and not target.itself and is_async_generator(target.function)
        if generates and self.generators.is_refused(module, function, call):
            return True
        return not may_fit(target.function, call, target.bound, target.unbound)

    def _is_of_python(self, module: Module, name: str) -> bool:
        """Whether a module knows Python's own module by its name, and nothing else."""
        if module.star_imports or self.project.imports.holding(name):
            return False
        known = {name, *(alias for alias, path in module.imports.items() if path == name)}
        if any(
            alias in module.bindings
            or alias in module.functions
            or alias in module.classes
            or module.imports.get(alias, name) != name
            for alias in known
        ):
            return False
        return not any(path != name and path.rpartition(".")[2] == name for path in module.further_imports)

    def _is_none(self, module: Module, name: str) -> bool:
        """Whether a module binds a name to ``None``, and nobody gives it anything else."""
        values = module.bindings[name]
        if len(values) != 1 or values[0].kind != "constant" or values[0].data is not None:
            return False
        if module.star_imports or name in module.imports or self.set_attributes.has(name):
            return False
        if name in module.functions or name in module.classes:
            return False
        declared = self.functions.stating([module], name)
        return not any(
            step.kind == "global" and name in step.stores
            for _, function in declared
            for step in self.functions.of(module, function).steps
        )

    # ------------------------------------------------------------------ statements

    def steps(self, module: Module, function: Function) -> frozenset[int]:
        """The numbers of the statements that raise before they are done, whenever they are come to."""
        key = (module.path, function.qualname)
        return self._raised.of(key, module, function, self.project.modules.count)

    def _find_raised(self, module: Module, function: Function, _: int) -> frozenset[int]:
        refused, lacking = self.refused(module, function), self._lacking(module, function)
        found = {*self.imports.of(module, function), *self.generators.steps(module, function)}
        found |= self.texts.steps(module, function)
        found.update(self.unbound.steps(module, function))
        asks_for_others = bool(function.name) and self.attributes.concerns(module, function)
        if not refused and not lacking and not asks_for_others:
            return frozenset(found)
        calls = self.functions.calls(module, function)
        for step in self.functions.of(module, function).steps:
            asks = lacking and not lacking.isdisjoint(_asked(function.first(), step, calls))
            made = [calls[number] for number in step.calls if is_made(step, calls[number])]
            misses = asks_for_others and self.attributes.missed(module, step, made)
            if asks or misses or any(call.number in refused for call in made):
                found.add(step.number)
        return frozenset(found)

    def _lacking(self, module: Module, function: Function) -> frozenset[str]:
        """The attributes that a bound task asks itself for and has not: ``self.job``."""
        begin, key = f"%{function.first()}.", (module.path, function.qualname)
        if not function.first() or (
            begin not in function.packed_calls and begin not in function.packed_steps
        ):
            return frozenset()
        if not self.project.reading.ask("functions of tasks", key):
            return frozenset()
        self.project.reading.doubt()  # what a task is is found out from round to round
        task = self.tasks.by_function[key]
        if task.function is not function or not self._is_of_celery_alone(task):
            return frozenset()
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        if any(not _BY_NAME.isdisjoint(step.loads) for step in flow.steps):
            return frozenset()
        asked = {name for step in flow.steps for name in _asked(function.first(), step, calls)}
        options = {key for _, value in task.options for key, _ in value.keywords}
        known = ATTRIBUTES_OF_TASKS | options | self.set_attributes.names
        return frozenset(name for name in asked - known if not name.startswith("_"))

    def _is_of_celery_alone(self, task: Task) -> bool:
        """Whether nothing of the project has a part in what the object of a task is."""
        if task.class_ is not None or task.wrapper is not None or task.inner_decorators:
            return False
        if not self.in_force.is_bound(task) or any(value.keyword("base") for _, value in task.options):
            return False
        if not self.in_force.belonging.of(task) or not self.in_force.own_application(task):
            return False
        if self.options.open_ended(task) or self.options.base_of(task) is not None:
            return False
        return self.options.bases_known(task) and not self.settings.named("task_annotations")


def is_made(step: Step, call: Call) -> bool:
    """Whether a statement that is come to makes a call of its own, whatever else is so."""
    return step.kind in _AT_ONCE and call.is_unconditional and not call.is_decorator


def _asked(first: str, step: Step, calls: Sequence[Call]) -> Iterator[str]:
    """The attributes of the first parameter that a statement asks for, whatever else is so."""
    begin = f"%{first}."
    chains = [calls[number].chain for number in step.calls if is_made(step, calls[number])]
    if step.kind in _FIRST:
        chains.append(step.asks_for.partition(" ")[0])
    for chain in chains:
        if chain.startswith(begin):
            yield chain[len(begin) :].partition(".")[0].rstrip("()[]")
