"""What task decorators are put on, and how they are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.senders.asked_classes import AskedClasses
from celery_lint.inventory.workers.sent import Sent
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_NO_FUNCTIONS = frozenset({"builtins.staticmethod", "builtins.classmethod"})

Decorated = Literal["lambda", "class", "task class", "staticmethod", "classmethod"]


class NoFunction(NamedTuple):
    """A task decorator on something that is no function with a name."""

    kind: Decorated
    name: str
    place: Place


class TaskInClass(NamedTuple):
    """A method that is a task: nobody gives it its object."""

    task: Task
    owner: str
    place: Place


class PositionalName(NamedTuple):
    """A task decorator that gets the name of the task by its position."""

    name: str
    place: Place


class YieldingTask(NamedTuple):
    """A task that yields."""

    task: Task
    place: Place


class DecoratedObjects:
    """What the decorators of Celery get that they can make no task of, or none that works."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.makers = known.of(Makers)
        self.task_options = known.of(TaskOptions)
        self.signatures = known.of(Signatures)
        self.sent = known.of(Sent)
        self.asked_classes = known.of(AskedClasses)

    def _is_celerys(self, module: Module, value: Value) -> bool:
        """Whether a decorator is Celery's own, and not one of the project or of the configuration."""
        found = self.makers.maker(module, value)
        return (
            found is not None and found.wrapper is None and not self.makers.is_only_configured(module, value)
        )

    # ------------------------------------------------------------------ CEL314

    @facts
    def no_functions(self) -> list[NoFunction]:
        """The lambdas, classes and static methods that are to be tasks.

        A class that derives from `Task` only fails whoever sends it, or has it for a base.
        """
        found: list[NoFunction] = []
        for module in self.project.product_modules():
            found += self._lambdas(module)
            for class_ in module.classes.values():
                if any(self._is_celerys(module, decorator) for decorator in class_.decorators):
                    entity = self.project.member(module, class_.qualname)
                    of_tasks = self.tasks.is_task_class(entity)
                    if not of_tasks or self.asked_classes.holds(module, class_):
                        place = module.place(class_.span)
                        found.append(NoFunction("task class" if of_tasks else "class", class_.name, place))
            for function in module.functions.decorated():
                if function.owner and len(function.decorators) > 1:
                    found += self._below(module, function)
        return found

    def _lambdas(self, module: Module) -> Iterator[NoFunction]:
        """``double = app.task(lambda x: 2 * x)``."""
        for values in module.bindings.values():
            for value in values:
                given = value.first() if value.kind == "call" else None
                if given is not None and given.kind == "lambda":
                    maker = value.keyword("()") or value
                    if self._is_celerys(module, maker):
                        yield NoFunction("lambda", "lambda", module.place(given.span))

    def _below(self, module: Module, function: Function) -> Iterator[NoFunction]:
        """``@app.task`` above ``@staticmethod``."""
        for index, decorator in enumerate(function.decorators):
            if decorator.chain.lstrip("~:") in ("staticmethod", "classmethod") and index:
                name = self.project.resolve(module, decorator.chain).name
                above = function.decorators[:index]
                if name in _NO_FUNCTIONS and any(self._is_celerys(module, each) for each in above):
                    kind: Decorated = "staticmethod" if name.endswith("staticmethod") else "classmethod"
                    yield NoFunction(kind, function.name, module.place(function.span))

    # ------------------------------------------------------------------ CEL316

    @facts
    def methods(self) -> list[TaskInClass]:
        """The methods that take ``self`` and are not bound."""
        return [
            TaskInClass(task, function.owner, task.place)
            for task in self.tasks.product
            if (function := task.function) is not None
            and function.owner
            and task.class_ is None
            and function.first() == "self"
            and function.parameters[0].required
            and len(function.decorators) == 1
            and self._is_celerys(task.module, function.decorators[0])
            and self.signatures.binds(task) is False
            and self.signatures.is_plain(task)
        ]

    # ------------------------------------------------------------------ CEL319

    @facts
    def generators(self) -> list[YieldingTask]:
        """The tasks whose function yields, and nobody goes through it."""
        return [
            YieldingTask(task, task.module.place(function.span))
            for task in self.tasks.product
            if (function := task.function) is not None
            and function.is_generator
            and not function.is_async
            and task.wrapper is None
            and not task.inner_decorators
            and not (task.class_ is not None and function.decorators)
            and self.signatures.is_plain(task)
            and not self.task_options.has_own_call(task)
            and not self._is_configured(task)
            and not self.sent.is_called_instead(task)
        ]

    def _is_configured(self, task: Task) -> bool:
        decorators = task.function.decorators if task.function is not None else ()
        return any(self.makers.is_only_configured(task.module, each) for each in decorators)

    # ------------------------------------------------------------------ CEL329

    @facts
    def positional_names(self) -> list[PositionalName]:
        """The names of tasks that stand where the function is expected."""
        return [
            PositionalName(given.data, module.place(given.span))
            for module in self.project.product_modules()
            for function in module.functions.decorated()
            for decorator in function.decorators
            if decorator.kind == "call" and (given := decorator.first()) is not None
            if given.kind == "constant" and isinstance(given.data, str)
            if self._is_celerys(module, decorator)
        ]
