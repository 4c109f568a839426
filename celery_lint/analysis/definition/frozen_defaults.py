"""Defaults of parameters that are worked out once, when the module is imported."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.calls import Call
from celery_lint.model.facts import Parameter, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

# What gives another value at each call, and is called for that.
_FRESH = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "django.utils.timezone.localdate",
        "django.utils.timezone.localtime",
        "django.utils.timezone.now",
        "secrets.token_hex",
        "secrets.token_urlsafe",
        "time.time",
        "uuid.uuid1",
        "uuid.uuid4",
    }
)


class FrozenDefault(NamedTuple):
    """A default that stays what it was when the module was imported."""

    task: Task
    parameter: str
    place: Place
    what: str


class FrozenDefaults:
    """The defaults of the parameters of tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)

    @facts
    def all(self) -> list[FrozenDefault]:
        """All of the product."""
        return [
            fact
            for task in self.tasks.product
            if task.function is not None
            for parameter in task.function.parameters
            if "()" in parameter.default
            for fact in self._frozen(task, parameter)
        ]

    def _frozen(self, task: Task, parameter: Parameter) -> Iterator[FrozenDefault]:
        function = task.function
        module = self.project.modules.get(task.place.path)
        outer = module.functions.get(function.parent) if module is not None and function is not None else None
        if module is None or function is None or outer is None:
            return
        for call in self.project.functions.calls(module, outer):
            chain = f"{call.chain}()"
            if _stands_in(call, function.span.start, function.end_line) and parameter.default.startswith(
                chain
            ):
                name = self.project.resolve(module, call.chain).name
                if name in _FRESH:
                    what = f"{call.chain.rpartition('.')[2]}()"
                    place = module.place(call.span)
                    yield FrozenDefault(task, parameter.name, place, what)
                    return


def _stands_in(call: Call, start: int, last: int) -> bool:
    return start < call.span.start and call.span.line <= last
