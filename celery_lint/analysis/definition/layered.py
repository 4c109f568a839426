"""What decorators of the project make of a task: another name below the task decorator, no task above it."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.layers import Layers, Wrapping
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.names import ModuleNames
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts

_WRAPS = frozenset({"wraps", "update_wrapper"})
# What looks at what is decorated, and sees nothing of a task.
_LOOKING = _WRAPS | {"iscoroutinefunction"}
# How a task is told that it runs in the place of another.
_NAMING = frozenset({"__name__", "__module__"})


class SharedName(NamedTuple):
    """Tasks that one name is made for, because a decorator hides theirs: it is that of its own function."""

    place: Place
    decorator: str
    name: str
    tasks: tuple[Task, ...]


class HiddenTask(NamedTuple):
    """A decorator of the project that puts a plain function in the place of a task, and who sends that."""

    task: Task
    decorator: str
    place: Place
    sent: Sending


class LayeredTasks:
    """The tasks with decorators of the project above or below the one that makes them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.layers = known.of(Layers)
        self.makers = known.of(Makers)
        self.names = known.of(ModuleNames)
        self.sendings = known.of(Sendings)

    def explore(self) -> None:
        """Follow the decorators that may hide tasks or their names."""
        for task in self.tasks.product:
            function, made = task.function, self._made(task)
            if function is not None and made > 0:
                self.layers.decorated(task.module, function.decorators[made - 1])
            elif self._is_named_by_its_function(task):
                self.layers.decorated(task.module, task.inner_decorators[0])

    # ------------------------------------------------------------------ CEL318

    @facts
    def shared_names(self) -> list[SharedName]:
        """The decorators that give one name to several tasks of an application."""
        found: dict[Key, list[tuple[Wrapping, Task, str]]] = {}
        for task in self.tasks.product:
            wrapping = self._renamed_by(task)
            if wrapping is not None:
                decorator = task.inner_decorators[0].chain
                key = wrapping.module.path, wrapping.function.name
                found.setdefault(key, []).append((wrapping, task, decorator))
        return [fact for (_, name), each in found.items() for fact in self._shared(name, each)]

    def _shared(self, name: str, found: list[tuple[Wrapping, Task, str]]) -> Iterator[SharedName]:
        tasks = tuple([task for _, task, _ in found])
        if len({task.key for task in tasks}) < 2 or len({task.application for task in tasks}) > 1:
            return
        told: set[Key] = set()
        for wrapping, _, decorator in found:
            if wrapping.key not in told:
                told.add(wrapping.key)
                place = wrapping.module.place(wrapping.function.span)
                dotted = f"{self.names.of(wrapping.module.path)}.{name}"
                yield SharedName(place, _leaf(decorator), dotted, tasks)

    def _renamed_by(self, task: Task) -> Wrapping | None:
        """The function whose name Celery sees instead of that of the task's own."""
        if not self._is_named_by_its_function(task):
            return None
        layer = self.layers.of(task)[0]
        wrapping = layer[0] if len(layer) == 1 else None
        if wrapping is None or wrapping.function.decorators or not self._is_put_there(wrapping, frozenset()):
            return None
        return None if self._is_told(wrapping, _NAMING) else wrapping

    def _is_named_by_its_function(self, task: Task) -> bool:
        """Whether Celery makes the name of a task of what decorators below leave of its function."""
        if task.wrapper is not None or task.class_ is not None or not task.inner_decorators:
            return False
        return not any(value.keyword("name") or value.open_ended() for _, value in task.options)

    # ------------------------------------------------------------------ CEL317

    @facts
    def hidden_tasks(self) -> list[HiddenTask]:
        """The tasks that are sent by a name which means a plain function."""
        hidden: dict[Key, tuple[Task, Value]] = {}
        for each in self.tasks.product:
            above = self._hidden_by(each)
            if above is not None:
                hidden[each.key] = each, above
        if not hidden:
            return []
        found: dict[Key, HiddenTask] = {}
        for sending in self.sendings.all:
            if sending.task is None or sending.task.key not in hidden or sending.through != "task":
                continue
            if sending.call.chain.startswith("%"):  # the task itself, by `bind`
                continue
            task, value = hidden[sending.task.key]
            fact = HiddenTask(task, _leaf(value.chain), task.module.place(value.span), sending)
            found.setdefault(task.key, fact)
        return list(found.values())

    def _hidden_by(self, task: Task) -> Value | None:
        """The decorator above the one that makes the task, if it leaves a function that is none."""
        function, made = task.function, self._made(task)
        if function is None or made < 1 or self.makers.maker(task.module, function.decorators[made]) is None:
            return None
        value = function.decorators[made - 1]
        layer = self.layers.decorated(task.module, value)
        # A decorator for both kinds of functions has one for each: a task is no coroutine function.
        if not layer or all(wrapping.function.is_async for wrapping in layer):
            return None
        chains = {f":{wrapping.function.qualname}" for wrapping in layer}
        given = {each.chain for wrapping in layer for each in _given_back(wrapping)}
        if not given <= chains:  # the task itself, for one
            return None
        return value if all(self._leaves_a_function(wrapping) for wrapping in layer) else None

    def _leaves_a_function(self, wrapping: Wrapping) -> bool:
        """Whether a decorator puts a function in the place of a task, and that is all."""
        if any(_leaf(other.chain) not in _WRAPS for other in wrapping.function.decorators):
            return False
        if not wrapping.inner or not self._is_put_there(wrapping, _WRAPS) or self._is_told(wrapping, None):
            return False
        return not self._uses_the_task(wrapping)

    def _made(self, task: Task) -> int:
        """How many decorators stand above the one that makes a task."""
        function = task.function
        if function is None or task.class_ is not None or task.qualname != function.qualname:
            return 0
        return len(function.decorators) - len(task.inner_decorators) - 1

    def _uses_the_task(self, wrapping: Wrapping) -> bool:
        """Whether the decorator knows that it gets a task: it looks into it, or hands it on."""
        outer = wrapping.module.functions.get(wrapping.function.parent)
        inside = [wrapping.function] if outer is None else [outer, wrapping.function]
        for function in inside:
            for call in self.project.functions.calls(wrapping.module, function):
                if call.chain.startswith(f"{wrapping.inner}."):
                    return True
                if call.hands_on(wrapping.inner) and call.leaf() not in _LOOKING:
                    return True
        return False

    # ------------------------------------------------------------------ both

    def _is_put_there(self, wrapping: Wrapping, allowed: frozenset[str]) -> bool:
        """Whether a decorator gives back this very function, and hands it to nothing else before.

        And whether that certainly is what runs: it calls what is decorated.
        """
        module, function, inner = wrapping
        outer = module.functions.get(function.parent)
        chain = f":{function.qualname}"
        if outer is None or not any(each.chain == chain for each in _given_back(wrapping)):
            return False
        if not any(call.chain == inner for call in self.project.functions.calls(module, function)):
            return False
        return not any(
            call.hands_on(chain) and call.leaf() not in allowed
            for call in self.project.functions.calls(module, outer)
        )

    def _is_told(self, wrapping: Wrapping, names: frozenset[str] | None) -> bool:
        """Whether an attribute of the function is set, one of these if they are given."""
        chain = f":{wrapping.function.qualname}"
        return any(
            assignment.target.startswith(chain) and (names is None or assignment.key in names)
            for assignment in wrapping.module.assignments
        )


def _given_back(wrapping: Wrapping) -> list[Value]:
    """What the function around a wrapping may give back."""
    outer = wrapping.module.functions.get(wrapping.function.parent)
    return [
        each
        for value in (outer.returns if outer is not None else ())
        for each in (value.items if value.kind == "either" else (value,))
    ]


def _leaf(chain: str) -> str:
    return chain.rpartition(".")[2].removesuffix("()").lstrip(":~")
