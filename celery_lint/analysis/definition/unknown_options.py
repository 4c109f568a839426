"""Options in the decorators of tasks that are none."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.taken_results import Taken, TakenResults
from celery_lint.inventory.retries.calls import RetryCalls
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import SENDERS, Sendings
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import METHODS_OF_TASKS, MISTAKEN_OPTIONS, TASK_OPTIONS
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.nearest import nearest
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts, once

# Options with their default, the setting that stands for it where there is one, and the option that may give
# a run another value.
_IN_FORCE: dict[str, tuple[int | str, str, str]] = {
    "acks_late": (False, "task_acks_late", ""),
    "default_retry_delay": (180, "", "retry_backoff"),
    "ignore_result": (False, "task_ignore_result", ""),
    "max_retries": (3, "", "retry_kwargs"),
    "serializer": ("json", "task_serializer", ""),
    "track_started": (False, "task_track_started", ""),
}
# Objects whose attributes of these names are something else: a retry that is counted, a setting.
_OTHER_OWNERS = frozenset({"request", "conf", "config", "settings"})


class UnknownOption(NamedTuple):
    """A keyword of a task decorator that Celery keeps and never looks at. ``meant`` is the real option.

    ``retries``: the task calls its own ``retry``, of whose delays options of automatic retries say nothing.
    ``taken``: where somebody asks for the result that the real option would not keep.
    """

    task: Task
    name: str
    meant: str
    place: Place
    retries: bool
    taken: Taken | None


class HiddenMethod(NamedTuple):
    """A keyword of a task decorator that takes the place of a method. ``given``: the type of its value."""

    task: Task
    name: str
    given: str
    place: Place


class UnknownOptions:
    """The keywords of task decorators that mean nothing."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.makers = known.of(Makers)
        self.task_options = known.of(TaskOptions)
        self.in_force = known.of(OptionsInForce)
        self.signatures = known.of(Signatures)
        self.retry_calls = known.of(RetryCalls)
        self.sendings = known.of(Sendings)
        self.taken = known.of(TakenResults)

    @facts
    def all(self) -> list[UnknownOption]:
        """Those that stand for a real option, or are like one, each place once."""
        found: dict[Place, UnknownOption] = {}
        for task in self.tasks.product:
            for module, value in task.options:
                for name, meant, given in _mistaken(value):
                    if self._means_nothing(task, name, meant) and not self._is_so(task, meant, module, given):
                        place = module.place(given.span)
                        retries = not meant and task.key in self._retrying
                        taken = self._taken(task, meant, module, given)
                        found.setdefault(place, UnknownOption(task, name, meant, place, retries, taken))
        return list(found.values())

    def _taken(self, task: Task, meant: str, module: Module, given: Value) -> Taken | None:
        """Where somebody takes the result that nobody would keep if the option were what is meant."""
        if meant != "ignore_result":
            return None
        known = self.project.constant(module, given)
        keeps = known is not None and known.kind == "constant" and not known.data
        return None if keeps else self.taken.of(task)

    @facts
    def hiding(self) -> list[HiddenMethod]:
        """Those that put what nobody can call where the task has a method, each place once."""
        found: dict[Place, HiddenMethod] = {}
        for task in self.tasks.product:
            for module, value in task.options:
                for name, given in value.keywords:
                    kind = self._type(module, given) if name in METHODS_OF_TASKS else ""
                    if kind and self._means_nothing(task, name, "") and self._is_called(task, name):
                        place = module.place(given.span)
                        found.setdefault(place, HiddenMethod(task, name, kind, place))
        return list(found.values())

    def _is_called(self, task: Task, name: str) -> bool:
        """Whether somebody calls this method of a task: one that nobody calls may as well be hidden."""
        if name == "retry":
            return task.key in self._retrying or self.task_options.get(task, "autoretry_for") is not None
        if name in SENDERS:
            used = {"delay", "apply_async"} if name == "apply_async" else {name}
            return any(sending.how in used for sending in self.sendings.by_task.get(task.key, ()))
        return True

    def _type(self, module: Module, given: Value) -> str:
        """The type of a value that certainly cannot be called, or nothing."""
        known = self.project.constant(module, given)
        if known is None:
            return ""
        if known.kind == "constant":
            return type(known.data).__name__
        return {"text": "str", "mapping": "dict"}.get(known.kind, "")

    def _means_nothing(self, task: Task, name: str, meant: str) -> bool:
        if name in self._read or not self.signatures.is_plain(task) or self._is_configured(task):
            return False
        if meant and self.task_options.get(task, meant) is not None:
            return False  # it is too much, and changes nothing
        if name not in MISTAKEN_OPTIONS and (
            task.wrapper is not None or any(self.task_options.classes(task))
        ):
            return False  # nobody has kept whether it is read
        if task.wrapper is not None and self._may_take(task.wrapper, name):
            return False
        return not any(
            name in class_.attributes or name in class_.methods
            for entity in self.task_options.classes(task)
            if (class_ := entity.class_()) is not None
        )

    def _is_so(self, task: Task, meant: str, module: Module, given: Value) -> bool:
        """Whether the task runs all the same with what is meant: it is the default, or what settings say."""
        if meant not in _IN_FORCE:
            return False
        default, name, rival = _IN_FORCE[meant]
        known = self.project.constant(module, given)
        if known is None or known.kind != "constant" or not self.in_force.known(task, frozenset({meant})):
            return False
        if rival and self.task_options.get(task, rival) is not None:
            return False
        values = [
            self.project.constant(setting.module, setting.value)
            for setting in (self.in_force.settings_of(task, name) if name else ())
        ]
        said = [value.data if value is not None and value.kind == "constant" else None for value in values]
        return all(each == known.data for each in said or [default])

    def _is_configured(self, task: Task) -> bool:
        """Whether only the configuration says that this makes tasks: nobody knows what it looks at."""
        decorators = task.function.decorators if task.function is not None else ()
        return any(self.makers.is_only_configured(task.module, value) for value in decorators)

    def _may_take(self, wrapper: Key, name: str) -> bool:
        """Whether a task decorator of the project may use a keyword itself, and not only hand it on."""
        module = self.project.modules[wrapper[0]]
        function = module.functions.get(wrapper[1])
        if function is None or not any(given.kind == "**" for given in function.parameters):
            return True
        return any(
            name in (given.name for given in inner.parameters) or inner.mentions(name) or inner.states(name)
            for inner in self.functions.within(module, wrapper[1])
        )

    @once
    def _retrying(self) -> set[Key]:
        """The tasks that call their own `retry`."""
        return {task.key for retry in self.retry_calls.all for task in retry.tasks}

    @once
    def _read(self) -> frozenset[str]:
        """The words that the project reads as attributes of something, which may be a task."""
        words = [f".{name}" for name in MISTAKEN_OPTIONS]
        return frozenset(
            name
            for module, function in self.project.stating(*words)
            for name in self._read_in(module, function)
        )

    def _read_in(self, module: Module, function: Function) -> Iterator[str]:
        for step in self.functions.of(module, function).steps:
            for path in step.loads:
                owner, _, name = path.rpartition(".")
                own = owner and owner.rpartition(".")[2] not in _OTHER_OWNERS
                if own and name in MISTAKEN_OPTIONS:
                    yield name


def _mistaken(value: Value) -> Iterator[tuple[str, str, Value]]:
    """The keywords of a decorator that mean nothing, and what is meant; of those that go together the first.

    One that is like no option may be for a class of tasks that reads it.
    """
    several = False
    for name, given in value.keywords:
        meant = MISTAKEN_OPTIONS.get(name)
        if meant is None and name not in TASK_OPTIONS | METHODS_OF_TASKS:
            meant = nearest(name, TASK_OPTIONS) or None
        if meant is not None:
            if meant or not several:
                yield name, meant, given
            several = several or not meant
