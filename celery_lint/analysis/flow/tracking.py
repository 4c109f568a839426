"""Tasks whose execution a scheduler tracks: who is told that they succeeded, and who that they failed."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import is_log
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

_SUCCESS = frozenset(
    {"complete", "completed", "done", "finished", "ok", "succeeded", "success", "successful"}
)
_BEGINNING = frozenset(
    {"in_progress", "pending", "processing", "queued", "running", "start", "started", "starting"}
)
_LOGGERS = ("celery.utils.log.", "logging.", "loguru.", "structlog.")
_LOG_BINDERS = frozenset({"bind", "bind_contextvars", "get_logger", "getLogger", "new"})
_SIGNALS = ("task_failure", "task_postrun", "task_prerun", "task_received", "task_retry", "task_success")
_HOOKS = ("after_return", "before_start", "on_failure", "on_success", "__call__")
_DEPTH = 3


class UnusedTracking(NamedTuple):
    """A task that takes the id of its execution and tells nobody about it."""

    task: Task
    parameter: str


class OneSidedTracking(NamedTuple):
    """A call by which a task records its success, in a task that never records a failure."""

    task: Task
    parameter: str
    module: Module
    call: Call

    @property
    def place(self) -> Place:
        """The call that records the success."""
        return self.module.place(self.call.span)


class _Carrier(NamedTuple):
    """A function that has the id of the execution, under this name."""

    module: Module
    function: Function
    name: str


class Tracking:
    """What the tasks of a project do with the id of their execution."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.tasks = known.of(Tasks)
        self.task_options = known.of(TaskOptions)
        self.parameters = self.project.configuration.tracking_parameters

    # ------------------------------------------------------------------ tasks

    @once
    def _tracked(self) -> list[tuple[Task, str]]:
        """The tasks that take the id of an execution and that nobody else can keep track of."""
        found = []
        for task in self.tasks.product:
            function = task.function
            if function is None or task.wrapper is not None or len(function.decorators) > 1:
                continue
            name = next((p.name for p in function.parameters if p.name in self.parameters), "")
            if name and _does_something(self.functions.of(task.module, function)):
                found.append((task, name))
        if not found or self._handles_signals:
            return []
        return [(task, name) for task, name in found if not self._class_may_track(task)]

    @once
    def _handles_signals(self) -> bool:
        """Whether the project connects to signals that tell of every task's start or end."""
        for module in self.project.product_modules():
            if not any(path.startswith("celery") for path in module.imports.values()):
                continue
            for function in module.functions.decorated():
                if any(_is_signal(decorator.chain) for decorator in function.decorators):
                    return True
            for function in module.functions.calling(".connect"):
                if any(_is_signal(call.chain) for call in self.functions.calls(module, function)):
                    return True
        return False

    def _class_may_track(self, task: Task) -> bool:
        """Whether the class of a task has hooks of its own, or may have."""
        options = self.task_options
        if not options.bases_known(task) or options.open_ended(task):
            return True
        return any(
            class_ is not None and not set(_HOOKS).isdisjoint(class_.methods)
            for class_ in (entity.class_() for entity in options.classes(task))
        )

    @facts
    def unused(self) -> list[UnusedTracking]:
        """The tasks that get the id of an execution for nothing, or only for their log."""
        found = []
        for task, name in self._tracked:
            assert task.function is not None
            if not self._is_used(task.module, task.function, name):
                found.append(UnusedTracking(task, name))
        return found

    def _is_used(self, module: Module, function: Function, name: str) -> bool:
        if function.mentions(f"'{name}"):  # `self.request.kwargs.get("execution_id")`
            return True
        for inner in self.functions.within(module, function.qualname):
            if inner is not function and any(p.name == name for p in inner.parameters):
                return True
            if inner.states("~locals"):
                return True
            flow = self.functions.of(module, inner)
            reading = [step for step in flow.steps if name in step.loads]
            if reading and any(p.name == name and p.required for p in function.parameters):
                return True  # no scheduler adds it: the task is about an execution that others keep track of
            if not all(self._only_logs(module, inner, step, name) for step in reading):
                return True
        return False

    def _only_logs(self, module: Module, function: Function, step: Step, name: str) -> bool:
        """Whether a statement reads the id only to ask whether there is one, or to write it to a log."""
        if step.kind == "def":
            return True  # what is in it is looked at on its own
        if step.kind == "if":
            return step.loads == (name,)
        calls = self.functions.calls(module, function)
        if any(_takes(calls[n], name) and not self._is_log(module, calls[n].chain) for n in step.calls):
            return False
        if step.kind not in ("expr", "assign") or not step.chains:
            return False
        chain = step.value
        binds = leaf_of_chain(chain) in _LOG_BINDERS and chain.endswith("()")
        return (is_log(step) or binds) and self._is_log(module, chain)

    def _is_log(self, module: Module, chain: str) -> bool:
        """Whether a chain is a method of a logger."""
        if chain[:1] == "%":
            return False
        if chain in ("~print()", "~print"):
            return True
        entity = self.project.resolve(module, chain)
        return entity.kind == "external" and entity.name.startswith((*_LOGGERS, "builtins.print"))

    # ------------------------------------------------------------------ success without failure

    @facts
    def one_sided(self) -> list[OneSidedTracking]:
        """The tasks that record their success only."""
        found = []
        for task, name in self._tracked:
            assert task.function is not None
            fact = self._one_sided(task, name)
            if fact is not None:
                found.append(fact)
        return found

    def _one_sided(self, task: Task, name: str) -> OneSidedTracking | None:
        assert task.function is not None
        successes: list[tuple[Module, Call]] = []
        for carrier in self._carriers(_Carrier(task.module, task.function, name)):
            if carrier is None:
                return None
            module, function, own = carrier
            flow = self.functions.of(module, function)
            if any(own in step.loads and self._after_failure(flow, step) for step in flow.steps):
                return None
            calls = self.functions.calls(module, function)
            for step in flow.steps:
                if own not in step.loads or step.kind in ("def", "if"):
                    continue
                if step.kind == "with" or not self._is_plain(module, function, step, own):
                    return None
                for number in step.calls:
                    call = calls[number]
                    word = _word(call) if _takes(call, own) else ""
                    if word == "other" and not self._is_log(module, call.chain):
                        return None
                    if word == "success":
                        successes.append((module, call))
        return OneSidedTracking(task, name, *successes[0]) if successes else None

    def _after_failure(self, flow: Flow, step: Step) -> bool:
        """Whether a statement also runs, or only runs, when something has failed."""
        current = step
        for outer in [*flow.ancestors(step)]:
            if current.role in ("handler", "finally") or outer.kind == "handler":
                return True
            current = outer
        return False

    def _is_plain(self, module: Module, function: Function, step: Step, name: str) -> bool:
        """Whether it is clear what a statement does with the id: it logs it, or calls what is in sight."""
        if self._only_logs(module, function, step, name):
            return True
        calls = self.functions.calls(module, function)
        taking = [calls[number] for number in step.calls if _takes(calls[number], name)]
        if not taking or step.kind not in ("expr", "assign", "return"):
            return False
        return all(_word(call) or self._follows(module, call, name) for call in taking)

    def _follows(self, module: Module, call: Call, name: str) -> _Carrier | None:
        """The function of the project that gets the id from a call."""
        if not call.chain or call.chain[:1] == "%":
            return None
        target = self.graph.target(module, call.chain)
        if target is None:
            return None
        inner, function = target
        own = function.parameter_given(call, f"%{name}")
        return _Carrier(inner, function, own) if any(p.name == own for p in function.parameters) else None

    def _carriers(self, start: _Carrier) -> Iterator[_Carrier | None]:
        """The functions that get the id; ``None`` if that leads too deep to be sure."""
        seen: set[Key] = set()
        level = [start]
        for _ in range(_DEPTH):
            following: list[_Carrier] = []
            for carrier in level:
                for function in self.functions.within(carrier.module, carrier.function.qualname):
                    key = (carrier.module.path, function.qualname)
                    if key in seen:
                        continue
                    seen.add(key)
                    current = _Carrier(carrier.module, function, carrier.name)
                    yield current
                    following += self._handed_on(current)
            level = following
        if level:
            yield None

    def _handed_on(self, carrier: _Carrier) -> Iterator[_Carrier]:
        if not carrier.function.mentions(f"%{carrier.name}"):
            return
        for call in self.functions.calls(carrier.module, carrier.function):
            if _takes(call, carrier.name) and not _word(call):
                following = self._follows(carrier.module, call, carrier.name)
                if following is not None:
                    yield following


def _does_something(flow: Flow) -> bool:
    """Whether a function is more than a stub."""
    for step in flow.steps:
        if step.kind == "raise" and any("NotImplementedError" in chain for chain in step.chains):
            return False
    return any(
        step.kind != "pass" and (step.kind != "expr" or step.calls or step.value[:1] != "#")
        for step in flow.steps
    )


def _is_signal(chain: str) -> bool:
    return any(chain.endswith(f"{signal}.connect") for signal in _SIGNALS)


def _takes(call: Call, name: str) -> bool:
    """Whether a call gets a name as an argument of its own."""
    return call.hands_on(f"%{name}")


def _word(call: Call) -> str:
    """The word by which a call tells of an execution: ``success``, ``beginning``, ``other``, or nothing."""
    words = set()
    for given in call.takes:
        if given.kind == "text":
            words.add(given.text.lower())
        elif "." in given.chain:
            leaf = given.chain.removesuffix(".value").rpartition(".")[2]
            if leaf.isupper():
                words.add(leaf.lower())
    if words & _SUCCESS:
        return "success"
    if words & _BEGINNING:
        return "beginning"
    return "other" if words else ""
