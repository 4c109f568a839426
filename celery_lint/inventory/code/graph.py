"""The call graph: which functions a function calls, and which tasks reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.code.unawaited import is_lost, makes_coroutine, may_be_lost
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.purpose import is_product_path
from celery_lint.project.asking import asking
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, once
from celery_lint.project.tables import taken_out

#: How many calls away from a task a function still counts as reached.
DEPTH = 3
#: The same where coroutines, event loops, engines and clients are looked for: task, service, repository,
#: session and engine are layers, and a loop or an engine does the same behind all of them.
LAYERS = 5


class Callee(NamedTuple):
    """A function of the project that another calls, and the call (or mention as a callback)."""

    module: Module
    function: Function
    call: Call

    @property
    def is_called(self) -> bool:
        """Whether it is called there, and not mentioned as an argument of some other call."""
        leaf, name = self.call.leaf().rpartition("/")[2], self.function.name
        if name == "__call__":  # an object is called; one that is only mentioned leads to no function
            return True
        return leaf == name or (name == "__init__" and leaf == self.function.owner.rpartition(".")[2])


class Reached(NamedTuple):
    """A task that reaches a function, and the last call on the way (``None``: the task itself).

    ``calls`` is how many calls the function is away from the task.
    """

    task: Task
    through: Callee | None
    calls: int

    @property
    def is_called(self) -> bool:
        """Whether the last step to the function is a call of it, and not a mention as a callback."""
        return self.through is None or self.through.is_called


class CallGraph:
    """The calls between the functions of a project, resolved on demand."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        options = known.of(TaskOptions)
        self.receivers: dict[Key, Entity] = {}
        self._around: dict[Key, list[tuple[Module, Function]]] = {}
        for task in known.of(Tasks).all:
            if task.function is not None and is_product_path(task.module.path):
                base = options.base_of(task) if task.class_ is None else None
                if base is not None:
                    self.receivers[(task.module.path, task.qualname)] = base
                if task.function.is_async:
                    around = list(options.around(task, base))
                    if around:
                        self._around[(task.module.path, task.qualname)] = around
        self._closures: dict[tuple[str, str, str, int], list[tuple[Module, Function]]] = {}
        self._callees: dict[tuple[str, str, str], list[Callee]] = {}
        self.tasks = known.of(Tasks)

    def callees(self, module: Module, function: Function) -> list[Callee]:
        """The functions of the project that a function calls or hands on by name."""
        key = (module.path, function.qualname, self.project.reading.mode)
        found = self._callees.get(key)
        if found is None:
            found = self._callees[key] = list(self._find(module, function))
        return found

    def _find(self, module: Module, function: Function) -> Iterator[Callee]:
        for call in self.functions.calls(module, function):
            target = (
                self.target(module, call.chain)
                or self._method(module, function, call.chain)
                or self._called_object(module, call.chain)
            )
            if target is None:
                for other in self._of_table(module, call.chain):
                    yield Callee(*other, call)
            elif not self._is_lost(module, function, call, *target):
                yield Callee(*target, call)
            for given in call.takes:
                target = self.target(module, given.chain) if given.chain else None
                if target is not None:
                    yield Callee(*target, call)

    def _is_lost(
        self, module: Module, function: Function, call: Call, home: Module, target: Function
    ) -> bool:
        """Whether a call makes a coroutine that nobody awaits: nothing of its function happens then."""
        return (
            target.is_async
            and may_be_lost(call)
            and makes_coroutine(home, target)
            and is_lost(self.functions.of(module, function), call)
        )

    def _method(self, module: Module, function: Function, chain: str) -> tuple[Module, Function] | None:
        """The method of its own class that a task bound to itself calls: ``self.run_async()``."""
        name, _, method = chain.partition(".")
        if name[:1] != "%" or not method.isidentifier() or not function.parameters:
            return None
        base = self.receivers.get((module.path, function.qualname))
        if base is None or name[1:] != function.first():
            return None
        entity = self.project.attribute(base, method)
        found = entity.function()
        return (entity.module, found) if found is not None and entity.module is not None else None

    def target(self, module: Module, chain: str) -> tuple[Module, Function] | None:
        """The function that a chain names; a class stands for its ``__init__``."""
        if not chain or chain[:1] == "%":
            return None
        return self._behind(self.project.resolve(module, chain))

    def _behind(self, entity: Entity) -> tuple[Module, Function] | None:
        """The function that an entity is; a class stands for its ``__init__``."""
        function = entity.function()
        if function is not None and entity.module is not None:
            return entity.module, function
        if entity.kind == "class" and entity.module is not None:
            made = self.project.attribute(entity, "__init__")
            function = made.function()
            if function is not None and made.module is not None:
                return made.module, function
        return None

    @asking("hint")
    def explore(self) -> None:
        """Follow what tasks call: a file that these calls lead to may do there what a rule asks for."""
        for task in self.tasks.product:
            if task.function is not None:
                self.closure(self._module_of(task), task.function)

    def _called_object(self, module: Module, chain: str) -> tuple[Module, Function] | None:
        """The ``__call__`` of an object of the project that a chain names: ``Pipeline()()``."""
        if not chain or chain[:1] == "%":
            return None
        entity = self.project.resolve(module, chain)
        return self._behind(self.project.attribute(entity, "__call__")) if entity.kind == "instance" else None

    def _of_table(self, module: Module, chain: str) -> Iterator[tuple[Module, Function]]:
        """The functions that a chain may name by a constant dictionary: ``TABLE[key]``."""
        for entity in taken_out(self.project, module, chain):
            found = self._behind(entity)
            if found is not None:
                yield found

    def arguments(
        self, module: Module, function: Function, given: Argument
    ) -> Iterator[tuple[Module, Function]]:
        """The functions whose coroutine an argument of a call may be, called there or handed on by name."""
        chain = given.chain.removesuffix("()")
        if given.kind == "call":
            chain = self.functions.calls(module, function)[given.number].chain
        target = self.target(module, chain)
        if target is not None:
            yield target
        else:
            yield from self._of_table(module, chain)

    def argument(self, module: Module, function: Function, given: Argument) -> tuple[Module, Function] | None:
        """The function whose coroutine an argument is, where that can be only one."""
        found = list(self.arguments(module, function, given))
        return found[0] if len(found) == 1 else None

    def closure(self, module: Module, function: Function) -> list[tuple[Module, Function]]:
        """The function and everything that it calls, to the depth of the index."""
        return self._closure(module, function, DEPTH)

    def deep_closure(self, module: Module, function: Function) -> list[tuple[Module, Function]]:
        """The same through all layers, for questions about coroutines, loops, engines and clients."""
        return self._closure(module, function, LAYERS)

    def _closure(self, module: Module, function: Function, depth: int) -> list[tuple[Module, Function]]:
        asked = (module.path, function.qualname, self.project.reading.mode, depth)
        found = self._closures.get(asked)
        if found is None:
            found = self._closures[asked] = self._called(module, function, depth)
        return [*found]

    def _called(self, module: Module, function: Function, depth: int) -> list[tuple[Module, Function]]:
        seen: dict[Key, tuple[Module, Function]] = {(module.path, function.qualname): (module, function)}
        level = [(module, function)]
        for _ in range(depth):
            following: list[tuple[Module, Function]] = []
            for current_module, current in level:
                for callee in self.callees(current_module, current):
                    key = (callee.module.path, callee.function.qualname)
                    if key not in seen:
                        seen[key] = (callee.module, callee.function)
                        following.append(seen[key])
            level = following
        return list(seen.values())

    def _reached_by(self, tasks: list[Task]) -> dict[Key, list[Reached]]:
        """For every function that tasks run synchronously: which tasks, and through which call."""
        found: dict[Key, list[Reached]] = {}
        for task in tasks:
            if task.function is None:
                continue
            module = self._module_of(task)
            start = (module.path, task.function.qualname)
            seen = {start}
            found.setdefault(start, []).append(Reached(task, None, 0))
            level = [(module, task.function)]
            for outer_module, outer in self._around.get((task.module.path, task.qualname), ()):
                seen.add((outer_module.path, outer.qualname))
                found.setdefault((outer_module.path, outer.qualname), []).append(Reached(task, None, 0))
                level.append((outer_module, outer))
            for calls in range(1, LAYERS + 1):
                following = []
                for current_module, current in level:
                    if current.is_async and (current_module.path, current.qualname) != start:
                        continue
                    for callee in self.callees(current_module, current):
                        key = (callee.module.path, callee.function.qualname)
                        if key not in seen:
                            seen.add(key)
                            found.setdefault(key, []).append(Reached(task, callee, calls))
                            following.append((callee.module, callee.function))
                level = following
        return found

    def _module_of(self, task: Task) -> Module:
        if task.class_ is None or task.function is None:
            return task.module
        run: Entity = self.project.attribute(Entity("class", task.class_.qualname, task.module), "run")
        return run.module or task.module

    @once
    def reached(self) -> dict[Key, list[Reached]]:
        """The synchronous functions that tasks reach."""
        near = {
            key: [way for way in reached if way.calls <= DEPTH]
            for key, reached in self.deeply_reached.items()
        }
        return {key: ways for key, ways in near.items() if ways}

    @once
    @asking("quiet")
    def deeply_reached(self) -> dict[Key, list[Reached]]:
        """The same through all layers, for questions about coroutines, loops, engines and clients."""
        return self._reached_by(self.tasks.product)

    @once
    def synchronous(self) -> list[tuple[Module, Function, list[Reached]]]:
        """The plain functions of the product that tasks reach, without those that the user vouches for.

        Through all layers: event loops and coroutines are what is asked for in them.
        """
        found = []
        for (path, qualname), reached in self.deeply_reached.items():
            module = self.project.modules.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is None or function is None or function.is_async or not is_product_path(path):
                continue
            if function.name not in self.project.configuration.async_helpers:
                found.append((module, function, reached))
        return found
