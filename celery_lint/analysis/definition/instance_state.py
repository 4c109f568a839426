"""What runs of a task keep in the task itself, of which a process has one."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pool
from celery_lint.inventory.workers.running import Workers
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts

# These pools run several tasks of one process at a time.
_SHARING = ("threads", "gevent", "eventlet")
# Made before any run, or at most once.
_ONCE = frozenset({"__init__", "__new__"})
_CONDITIONS = frozenset({"if", "while", "try", "match"})
_SELF = "%self"


class InstanceState(NamedTuple):
    """An attribute that each run sets on the task, and a pool that runs several of them at a time."""

    task: Task
    attribute: str
    place: Place
    pool: Pool


class InstanceStates:
    """The attributes that are set while a task runs."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.workers = known.of(Workers)

    @facts
    def all(self) -> list[InstanceState]:
        """The first of each class, or of each task that is a function."""
        found: dict[Key, InstanceState] = {}
        for task in self.tasks.product:
            for place, attribute in self._set(task):
                pool = self.workers.only(_SHARING, [task])
                if pool is not None:
                    key = (place.path, attribute if task.class_ is None else task.class_.qualname)
                    found.setdefault(key, InstanceState(task, attribute, place, pool))
                break
        return list(found.values())

    def _set(self, task: Task) -> Iterator[tuple[Place, str]]:
        """The attributes that runs set to what only the run knows, and to nothing else."""
        module, function = task.module, task.function
        if task.class_ is not None:
            for name, values in task.class_.attributes.items():
                value = self._each_run(module, task, values)
                if value is not None:
                    yield module.place(value.span), name
        elif function is not None and function.first() == "self":
            for assignment in module.assignments:
                own = assignment.target == _SELF and assignment.function == function.qualname
                if own and self._is_plain(module, function, assignment.value):
                    yield module.place(assignment.key_span), assignment.key

    def _each_run(self, module: Module, task: Task, values: tuple[Value, ...]) -> Value | None:
        """The value that a method of a class of tasks gives to an attribute in each run."""
        found = None
        for value in values:
            function = self.functions.around(module, value)
            if function is None or value.kind == "constant":
                continue
            if task.class_ is None or function.owner != task.class_.qualname or function.name in _ONCE:
                return None
            if not self._is_plain(module, function, value):
                return None
            found = found or value
        return found

    def _is_plain(self, module: Module, function: Function, value: Value) -> bool:
        """Whether a value is bound without a condition, and depends on the arguments of the run."""
        flow = self.functions.of(module, function)
        step = next((s for s in flow.steps if s.kind == "assign" and s.span.holds(value.span)), None)
        if step is None or any(around.kind in _CONDITIONS for around in flow.ancestors(step)):
            return False
        given = {parameter.name for parameter in function.parameters[1:]}
        return not given.isdisjoint(step.loads)
