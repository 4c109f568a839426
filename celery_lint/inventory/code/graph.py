"""The call graph: which functions a function calls, and which tasks reach it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from celery_lint.inventory.code.called import (
    ENTERING,
    behind,
    from_table,
    led_to,
)
from celery_lint.inventory.code.coroutine_values import CoroutineValues
from celery_lint.inventory.code.ends.unreached import Unreached
from celery_lint.inventory.code.unawaited import below_with, makes_generator
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.purpose import is_product_path
from celery_lint.project.asking import asking
from celery_lint.project.entity import UNKNOWN, Entity, Key
from celery_lint.project.known import Known, once
from celery_lint.project.memory import PerMode

#: How many calls away from a task a function still counts as reached.
DEPTH = 3
#: The same where coroutines, event loops, engines and clients are looked for: task, service, repository,
#: session and engine are layers, and a loop or an engine does the same behind all of them.
LAYERS = 5


View = tuple[Key, "Key | None"]
"""A function, and the class of the object that it is a method of, where that is known."""


class Callee(NamedTuple):
    """A function of the project that another calls, and the call (or mention as a callback).

    ``receiver``: the class of the object that it is a method of, where that says which methods it calls of
    itself: a class that inherits it.
    """

    module: Module
    function: Function
    call: Call
    receiver: Entity | None = None

    @property
    def view(self) -> View:
        """The function, and the class of the object that it is a method of."""
        return view_of(self.module, self.function, self.receiver)

    @property
    def is_called(self) -> bool:
        """Whether it is called there, and not mentioned as an argument of some other call."""
        leaf, name = self.call.leaf().rpartition("/")[2], self.function.name
        if name == "__call__":  # an object is called; one that is only mentioned leads to no function
            return True
        if name in ENTERING and self.call.is_context_manager:
            return True
        class_ = self.receiver.name if self.receiver is not None else self.function.owner
        return leaf == name or (name == "__init__" and leaf == class_.rpartition(".")[2])


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
        self.options = known.of(TaskOptions)
        self.layers = known.of(Layers)
        self._receivers: dict[Key, Entity | None] = {}
        self._closures = PerMode[list[tuple[Module, Function]]](self.project.reading)
        reading = self.project.reading
        self._callees = PerMode[list[Callee]](reading, reading.lasted("callees"))
        self._leading = PerMode[frozenset[Key]](reading, reading.lasted("what calls lead to"))
        # What calls a function on the ways from a task, by the task and by the function.
        self._calling: dict[tuple[Key, str], dict[int, list[tuple[Module, Function, Call]]]] = {}
        # The objects that the methods of views are called of.
        self._of: dict[View, Entity] = {}
        self.tasks = known.of(Tasks)
        self.unsent = known.of(Unsent)
        self.unreached = known.of(Unreached)
        self.values = known.of(CoroutineValues)

    def receiver(self, task: Task) -> Entity | None:
        """The class of the project that the object of a task is of."""
        if task.key not in self._receivers:
            if task.class_ is not None:
                found: Entity | None = Entity("class", task.class_.qualname, task.module)
            else:
                found = self.options.base_of(task)
            self._receivers[task.key] = found
        return self._receivers[task.key]

    def around(self, task: Task) -> list[tuple[Module, Function]]:
        """What the project puts around a task's function: its decorators, and its class's ``__call__``."""
        found = [(wrapping.module, wrapping.function) for wrapping in self.layers.around(task)]
        receiver = self.receiver(task)
        call = self.project.attribute(receiver, "__call__") if receiver is not None else UNKNOWN
        function = call.function()
        if function is not None and call.module is not None:
            found.append((call.module, function))
        return found

    def callees(self, module: Module, function: Function, receiver: Entity | None = None) -> list[Callee]:
        """The functions of the project that a function calls or hands on by name.

        ``receiver`` is the class of the object that it is a method of, where that is known: a method of a
        base class calls those of the class that derives from it.
        """
        view = view_of(module, function, receiver)
        if receiver is not None:
            self._of[view] = receiver
        bound = self._bound(module, function)
        # What is a task is found out from round to round, so that it is no part of an answer that lasts.
        return self._callees.of(
            (view, _key_of(bound)), lambda: list(self._find(module, function, receiver, bound))
        )

    def _bound(self, module: Module, function: Function) -> Entity | None:
        """The class of the task that a function is of, which it may know as its first parameter."""
        task = self.tasks.by_function.get((module.path, function.qualname))
        return self.receiver(task) if task is not None else None

    def _find(
        self, module: Module, function: Function, receiver: Entity | None, bound: Entity | None
    ) -> Iterator[Callee]:
        refused: set[int] = {*self.unreached.calls(module, function)}
        for call in self.functions.calls(module, function):
            if call.number in refused:
                continue
            for target, way in led_to(self.project, module, function, call, receiver, bound):
                is_entered = way == "run" and call.is_context_manager
                if is_entered and makes_generator(target.module, target.function):
                    refused.update(below_with(self.functions.of(module, function), call))
                    continue
                if way == "run" and self.values.leads_nowhere(module, function, call, target):
                    continue
                # What a call is given that an object is made by is for `__init__`.
                made = call._replace(packed_arguments=()) if way == "entered" else call
                yield Callee(target.module, target.function, made, target.receiver)

    def calls_one(self, module: Module, function: Function, keys: Collection[Key]) -> bool:
        """Whether a function calls one of these, or hands it on by name.

        Most lead to none, whatever they come to, and that is known sooner.
        """
        return not self._led_to(module, function).isdisjoint(keys) and any(
            callee.view[0] in keys for callee in self.callees(module, function)
        )

    def _led_to(self, module: Module, function: Function) -> frozenset[Key]:
        """The functions that the calls of a function lead to, whether or not it comes to them."""
        bound = self._bound(module, function)
        return self._leading.of(
            (view_of(module, function, None), _key_of(bound)),
            lambda: frozenset(
                (target.module.path, target.function.qualname)
                for call in self.functions.calls(module, function)
                for target, _ in led_to(self.project, module, function, call, None, bound)
            ),
        )

    def target(self, module: Module, chain: str) -> tuple[Module, Function] | None:
        """The function that a chain names; a class stands for its ``__init__``."""
        if not chain or chain[:1] == "%":
            return None
        found = behind(self.project, self.project.resolve(module, chain))
        return (found.module, found.function) if found is not None else None

    @asking("hint")
    def explore(self) -> None:
        """Follow what tasks call: a file that these calls lead to may do there what a rule asks for."""
        for task in self.tasks.product:
            self.closure_of(task)

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
            for found in from_table(self.project, module, chain):
                yield found.module, found.function

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

    def closure_of(self, task: Task, depth: int = DEPTH) -> list[tuple[Module, Function]]:
        """Everything that a task runs, from its function and from what stands around it."""
        if task.function is None:
            return []
        receiver = self.receiver(task)
        found = self._closure(self.home(task), task.function, depth, receiver)
        for module, function in self.around(task):
            found += self._closure(module, function, depth, receiver)
        return found

    def _closure(
        self, module: Module, function: Function, depth: int, receiver: Entity | None = None
    ) -> list[tuple[Module, Function]]:
        key = (view_of(module, function, receiver), depth)
        return [*self._closures.of(key, lambda: self._called(module, function, depth, receiver))]

    def here(
        self, module: Module, function: Function, receiver: Entity | None = None
    ) -> list[tuple[Module, Function]]:
        """The function and what it calls there and then, in its own thread, to the depth of the index.

        What it hands on may run in another thread, or never; a plain function runs no coroutine by a call.
        """
        return self._called(module, function, DEPTH, receiver, _is_there_and_then)

    def _called(
        self,
        module: Module,
        function: Function,
        depth: int,
        receiver: Entity | None,
        counts: Callable[[Function, Callee], bool] | None = None,
    ) -> list[tuple[Module, Function]]:
        """The function and what it calls; ``counts`` says which of a caller's callees to follow."""
        first = view_of(module, function, receiver)
        found: dict[Key, tuple[Module, Function]] = {first[0]: (module, function)}
        seen = {first}
        level = [(module, function, receiver)]
        for _ in range(depth):
            following: list[tuple[Module, Function, Entity | None]] = []
            for current_module, current, its in level:
                for callee in self.callees(current_module, current, its):
                    view = callee.view
                    if view not in seen and (counts is None or counts(current, callee)):
                        seen.add(view)
                        found.setdefault(view[0], (callee.module, callee.function))
                        following.append((callee.module, callee.function, callee.receiver))
            level = following
        return list(found.values())

    def _reached_by(self, tasks: list[Task]) -> dict[Key, list[Reached]]:
        """For every function that tasks run synchronously: which tasks, and through which call."""
        found: dict[Key, list[Reached]] = {}
        called: dict[View, list[tuple[View, Callee]]] = {}  # most tasks call the same helpers
        for task in tasks:
            if task.function is None:
                continue
            receiver = self.receiver(task)
            seen: set[View] = set()
            reached: set[Key] = set()
            level: list[tuple[View, Module, Function, Entity | None]] = []
            for module, function in [(self.home(task), task.function), *self.around(task)]:
                view = view_of(module, function, receiver)
                if view not in seen:
                    seen.add(view)
                    reached.add(view[0])
                    found.setdefault(view[0], []).append(Reached(task, None, 0))
                    level.append((view, module, function, receiver))
            for calls in range(1, LAYERS + 1):
                following = []
                for caller, current_module, current, its in level:
                    if current.is_async and current is not task.function:
                        continue
                    if caller not in called:
                        callees = self.callees(current_module, current, its)
                        called[caller] = [(callee.view, callee) for callee in callees]
                    for view, callee in called[caller]:
                        if view not in seen:
                            seen.add(view)
                            if view[0] not in reached:
                                reached.add(view[0])
                                found.setdefault(view[0], []).append(Reached(task, callee, calls))
                            following.append((view, callee.module, callee.function, callee.receiver))
                level = following
        return found

    def callers(self, task: Task, called: Function) -> Iterator[tuple[Module, Function, Call]]:
        """The functions on the way from a task that call a helper."""
        if task.function is None:
            return
        key = (task.key, self.project.reading.mode)
        known = self._calling.get(key)
        if known is None:
            known = self._calling[key] = {}
            for module, function in self.closure_of(task, LAYERS):
                if not function.is_async:
                    for callee in self.callees(module, function):
                        known.setdefault(id(callee.function), []).append((module, function, callee.call))
        yield from known.get(id(called), ())

    def is_still_so(self, what: set[str], functions: set[Key]) -> bool:
        """Whether these functions lead where they led, now that what they call and state has changed."""
        if not all(each.startswith("packed_") for each in what):
            return False
        if any(view[0] in functions for (view, _), _ in self._leading.items()):
            return False
        for (view, _), callees in [*self._callees.items()]:
            (path, qualname), _ = view
            if view[0] in functions:
                module = self.project.modules[path]
                function = module.functions[qualname]
                found = self._find(module, function, self._of.get(view), self._bound(module, function))
                if not qualname or [*found] != callees:
                    return False
        return all(qualname for _, qualname in functions)

    def home(self, task: Task) -> Module:
        """The module of a task's function: that of a class may be inherited."""
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
        return self._reached_by(self.unsent.running)

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


def view_of(module: Module, function: Function, receiver: Entity | None) -> View:
    """What tells a function from others, and from itself as a method of another class."""
    own = None if receiver is None or receiver.module is None else (receiver.module.path, receiver.name)
    return (module.path, function.qualname), own


def _key_of(bound: Entity | None) -> tuple[str, str, str] | None:
    """What tells the class of a task from others."""
    return None if bound is None or bound.module is None else (*bound[:2], bound.module.path)


def _is_there_and_then(caller: Function, callee: Callee) -> bool:
    """Whether a call is made by its caller's own thread, while the caller runs."""
    left = callee.function.is_async and not caller.is_async
    return callee.is_called and not left and not callee.call.in_lambda
