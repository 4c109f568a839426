"""What the options of tasks say about retries, and who reads them back."""

from __future__ import annotations

from celery_lint.diagnostics import Span
from celery_lint.files.filter import Pair
from celery_lint.inventory.code.decided.settled import Settled
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.retries.calls import RetryCall, RetryCalls
from celery_lint.inventory.retries.counting import Counting
from celery_lint.inventory.retries.holders import Holders
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.project import Project
from celery_lint.project.unseen.set_attributes import SetAttributes

RETRY_OPTIONS = frozenset(
    {
        "autoretry_for",
        "default_retry_delay",
        "dont_autoretry_for",
        "max_retries",
        "retry_backoff",
        "retry_backoff_max",
        "retry_jitter",
        "retry_kwargs",
    }
)
# How often a task is tried again unless `max_retries` is set.
_RETRIES = 3.0


class RetryPolicy(NamedTuple):
    """How a task is retried. ``automatic`` tells whether it has exceptions in ``autoretry_for``.

    ``options`` are its effective options about retries, ``known`` says that there are no others, and
    ``calls`` are the calls of ``retry`` that are about it.
    """

    task: Task
    options: dict[str, Option]
    known: bool
    automatic: bool
    calls: tuple[RetryCall, ...]

    def most(self, project: Project) -> float | None:
        """How often a ``retry`` that does not say it tries again; ``None`` where nobody knows, or forever."""
        option = self.options.get("max_retries")
        if option is None:
            return _RETRIES if self.known else None
        return project.number(*option)

    def backs_off(self, project: Project) -> bool:
        """Whether ``retry_backoff`` is switched on for certain."""
        option = self.options.get("retry_backoff")
        known = project.constant(*option) if option is not None else None
        return known is not None and known.kind == "constant" and bool(known.data)


class RetryOption(NamedTuple):
    """An option about retries where it is written, with the policies of all tasks that it is in force for."""

    name: str
    module: Module
    value: Value
    policies: tuple[RetryPolicy, ...]

    @property
    def place(self) -> Place:
        """The value of the option."""
        return self.module.place(self.value.span)

    @property
    def task(self) -> str:
        """How messages call the first task."""
        return self.policies[0].task.label


class Retries:
    """The retries of a project."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.unsent = known.of(Unsent)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.in_force = known.of(OptionsInForce)
        self.task_options = known.of(TaskOptions)
        self.holders = known.of(Holders)
        self.retry_calls = known.of(RetryCalls)
        self.counting = known.of(Counting)
        self.set_attributes = known.of(SetAttributes)
        self.settled = known.of(Settled)
        self._hidden: dict[Key, bool] = {}
        self._used: dict[Key, bool] = {}

    def explore(self) -> None:
        """Follow the chains that the options lead to, and nothing more."""
        for task in self.tasks.product:
            for option in self.in_force.options(task, RETRY_OPTIONS).values():
                self.constant(option)

    def words(self) -> set[Pair]:
        """What another file must hold to set a bound of zero that has a name: ``limits.NEVER = 3``."""
        bounds = [(call.module, call.given("max_retries")) for call in self.retry_calls.all]
        bounds += [policy.options.get("max_retries", (policy.task.module, None)) for policy in self.policies]
        return {
            (leaf_of_chain(value.chain), leaf_of(found[0].path))
            for module, value in bounds
            if value is not None and value.kind == "name" and self.settled.number(module, value) == 0
            if (found := self.settled.value(module, value.chain)) is not None
        }

    @once
    def policies(self) -> list[RetryPolicy]:
        """The policies of the tasks that have options about retries, and that anything sends."""
        found = []
        for task in self.unsent.product:
            options = self.in_force.options(task, RETRY_OPTIONS)
            if options:
                options = {name: (home, _as_mapping(value)) for name, (home, value) in options.items()}
                known = self.in_force.known(task, RETRY_OPTIONS)
                automatic = self._is_automatic(options.get("autoretry_for"))
                found.append(RetryPolicy(task, options, known, automatic, self.retry_calls.calls_of(task)))
        return found

    @once
    def by_task(self) -> dict[Key, RetryPolicy]:
        """The policies, by the tasks that have one."""
        return {policy.task.key: policy for policy in self.policies}

    def _is_automatic(self, option: Option | None) -> bool:
        if option is None:
            return False
        known = self.project.constant(*option)
        return known is None or known.kind != "sequence" or bool(known.items)

    def gives_up(self, call: RetryCall) -> bool:
        """Whether a call of ``retry`` finds its bound reached at the first attempt.

        It sends nothing then, and raises no ``Retry`` but the exception that it is given, or the error of
        Celery's for that.
        """
        given = call.given("max_retries")
        if given is None or (given.kind == "constant" and given.data is None):
            known = not call.value.open_ended() and "max_retries" not in self.set_attributes.names
            policies = [self.by_task.get(task.key) for task in call.tasks]
            bounds = [policy.options.get("max_retries") for policy in policies if policy is not None]
            return known and len(bounds) == len(policies) > 0 and all(map(self._is_zero, bounds))
        if given.chain == f"{call.call.chain.removesuffix('.retry')}.request.retries":
            return given.kind == "name"
        number = self.settled.number(call.module, given)
        return number is not None and number <= 0

    def _is_zero(self, option: Option | None) -> bool:
        """Whether a bound is zero in every run, and not only where a condition or another module says so."""
        return option is not None and self.settled.number(*option) == 0

    @facts
    def options(self) -> list[RetryOption]:
        """The options about retries, each where it is written."""
        found: dict[tuple[str, str, Span], tuple[Module, Value, list[RetryPolicy]]] = {}
        for policy in self.policies:
            for name, (module, value) in policy.options.items():
                key = (name, module.path, value.span)
                found.setdefault(key, (module, value, []))[2].append(policy)
        every = (
            RetryOption(key[0], module, value, tuple(policies))
            for key, (module, value, policies) in found.items()
        )
        return sorted(every, key=lambda option: (option.module.path, option.value.span))

    # ------------------------------------------------------------------ what is read back

    @once
    def _reads(self) -> dict[str, list[tuple[Module, Function, str]]]:
        """By option: the functions that read it as an attribute, and the path that they read.

        Of the number of retries, those in which it decides something.
        """
        found: dict[str, list[tuple[Module, Function, str]]] = {}
        for module, function in self.project.stating(".retry_", "retries", "_retry_"):
            for step in self.functions.of(module, function).steps:
                for load in step.loads:
                    name = load.rpartition(".")[2]
                    counts = name == "retries" and self.counting.decides(module, function)
                    if "." in load and (name in RETRY_OPTIONS or counts):
                        found.setdefault(name, []).append((module, function, load.lstrip("<")))
        return found

    def reads(self, name: str) -> list[tuple[Module, Function, str]]:
        """The functions of the product that read an attribute of this name."""
        return self._reads.get(name, [])

    def reads_near(self, task: Task, name: str) -> bool:
        """Whether the task, what it calls, its classes or code that no task reaches read this attribute.

        A method that reads it of its own ``self``, in a class that is no task, reads something else.
        """
        readers = self.reads(name)
        if not readers or task.function is None:
            return bool(readers)
        near = {(m.path, f.qualname) for m, f in self.graph.closure_of(task)}
        classes = {(e.module.path, e.name) for e in self.task_options.classes(task) if e.module is not None}
        for module, function, path in readers:
            root = function.qualname.partition("/")[0]
            if (module.path, function.qualname) in near or (module.path, root) in near:
                return True
            if (module.path, function.owner) in classes:
                return True
            own = path.partition(".")[0] == function.first()
            other_task = (module.path, root) in self.retry_calls.around or (
                module.path,
                root,
            ) in self._helpers
            if not other_task and not (function.owner and own) and self._is_used(module, function):
                return True
        return False

    def _is_used(self, module: Module, function: Function) -> bool:
        """Whether a plain function, which only gets what others hand to it, is named by any other."""
        if function.owner or function.decorators or not function.parameters:
            return True
        key = (module.path, function.qualname)
        if key not in self._used:
            self._used[key] = any(other is not function for _, other in self.project.holding(function.name))
        return self._used[key]

    @once
    def _helpers(self) -> set[Key]:
        """The functions that get a task from tasks that call them."""
        return {(path, qualname) for path, qualname, _ in self.holders.held[0]}

    def constant(self, option: Option | None) -> Value | None:
        """The literal behind an option."""
        return self.project.constant(*option) if option is not None else None

    def entity(self, module: Module, value: Value) -> Entity:
        """What an exception in an option is."""
        return self.project.value_entity(module, value)


def _as_mapping(value: Value) -> Value:
    """``dict(max_retries=0)`` as ``{"max_retries": 0}``."""
    if value.kind != "call" or value.chain != "~dict" or value.items or value.open_ended():
        return value
    keys = tuple([Value("constant", given.span, name) for name, given in value.keywords])
    return Value("mapping", value.span, None, "", keys, value.keywords)
