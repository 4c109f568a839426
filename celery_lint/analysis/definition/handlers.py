"""The handlers of task classes: whether Celery can call them."""

from __future__ import annotations

from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Class, Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known, facts

#: What Celery gives to each handler, by position.
GIVEN = {
    "before_start": ("task_id", "args", "kwargs"),
    "on_success": ("retval", "task_id", "args", "kwargs"),
    "on_failure": ("exc", "task_id", "args", "kwargs", "einfo"),
    "on_retry": ("exc", "task_id", "args", "kwargs", "einfo"),
    "after_return": ("status", "retval", "task_id", "args", "kwargs", "einfo"),
}


class WrongHandler(NamedTuple):
    """A handler that takes another number of arguments than it is given."""

    name: str
    owner: str
    given: tuple[str, ...]
    place: Place


class TaskHandlers:
    """The handlers that the classes of tasks define."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)

    @facts
    def wrong(self) -> list[WrongHandler]:
        """Those that Celery cannot call."""
        return [
            WrongHandler(function.name, class_.name, GIVEN[function.name], module.place(function.span))
            for module in self.project.product_modules()
            for class_ in module.classes.values()
            if not GIVEN.keys().isdisjoint(class_.methods)
            for function in self._handlers(module, class_)
            if not _takes(function, len(GIVEN[function.name]))
        ]

    def _handlers(self, module: Module, class_: Class) -> list[Function]:
        if not self.tasks.is_task_class(Entity("class", class_.qualname, module)):
            return []
        named = (module.functions.get(f"{class_.qualname}.{name}") for name in GIVEN)
        return [function for function in named if function is not None and not function.decorators]


def _takes(function: Function, count: int) -> bool:
    """Whether a method can be called with so many arguments beside its object."""
    positional = [given for given in function.parameters if given.kind == "positional"]
    if any(given.kind == "keyword" and given.required for given in function.parameters):
        return False
    required = sum(given.required for given in positional)
    most = len(positional) if not any(given.kind == "*" for given in function.parameters) else count + 1
    return required <= count + 1 <= most
