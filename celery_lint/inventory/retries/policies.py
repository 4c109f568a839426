"""Retries: who calls Celery's ``retry``, on which task, and what a task's options say about it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from celery_lint.inventory.application.applications import is_task_base
from celery_lint.inventory.code.graph import DEPTH, Calls
from celery_lint.inventory.retries.calls import RetryCall, RetryOption, RetryPolicy
from celery_lint.inventory.tasks.in_force import EffectiveOptions
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Call, Function, Module, Value
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts

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
_CURRENT_TASKS = frozenset({"celery.current_task", "celery._state.current_task", "celery.app.current_task"})
# These get the task and do nothing to it.
_HARMLESS = frozenset({"getattr", "hasattr", "id", "isinstance", "print", "repr", "setattr", "str", "type"})
_TEXT_MAKERS = frozenset({"builtins.repr", "builtins.str", "traceback.format_exc"})
_CALLED = ".retry\t"

Holder = tuple[str, str, str]
"""A parameter that holds a task: path and qualified name of its function, and its own name."""


class Retries:
    """The retries of a project."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.graph = known.of(Calls)
        self.flows = known.project.flows
        self.effective = known.of(EffectiveOptions)
        self.task_options = known.of(TaskOptions)
        self._hidden: dict[Key, bool] = {}
        self._used: dict[Key, bool] = {}

    def explore(self) -> None:
        """Follow the chains that the options lead to, and nothing more."""
        for task in self.tasks.product:
            for option in self.effective.options(task, RETRY_OPTIONS).values():
                self.constant(option)

    # ------------------------------------------------------------------ who holds a task

    @cached_property
    def _held(self) -> tuple[dict[Holder, list[Task]], set[Key]]:
        """The parameters that hold tasks, and the tasks that are handed to somebody out of sight."""
        holders: dict[Holder, list[Task]] = {}
        escaped: set[Key] = set()
        level: dict[Holder, list[Task]] = {}
        for task in self.tasks.product:
            function = task.function
            if function is None or task.class_ is not None or not self.effective.is_bound(task):
                continue
            if not function.parameters:
                escaped.add(task.key)
                continue
            level[(task.module.path, function.qualname, function.first())] = [task]
            own = any(decorator.keyword("bind") is not None for decorator in function.decorators)
            if not own or "&self" in function.packed_steps:
                escaped.add(task.key)
        with self.project.asking("hint"):
            for _ in range(DEPTH):
                following: dict[Holder, list[Task]] = {}
                for holder, tasks in level.items():
                    known = holders.setdefault(holder, [])
                    new = [task for task in tasks if task not in known]
                    known += new
                    for next_holder in self._handed_on(holder) if new else ():
                        if next_holder is None:
                            escaped.update(task.key for task in new)
                        else:
                            following.setdefault(next_holder, []).extend(new)
                level = following
        return holders, escaped

    def _handed_on(self, holder: Holder) -> Iterator[Holder | None]:
        """The parameters that get the task from this one; ``None`` for one that is out of sight."""
        path, qualname, name = holder
        module = self.project.modules.get(path)
        chain = _spelled(module.functions[qualname], name) if module is not None else ""
        for _, function in _with_nested(module, qualname) if module is not None else ():
            if f"={chain}" not in function.packed_calls:
                continue
            for call in self.flows.calls(module, function):
                for index, argument in enumerate(call.arguments):
                    keyword, _, given = argument.rpartition(":")
                    if given == f"={chain}" and call.leaf() not in _HARMLESS:
                        yield self._parameter(module, call, index, keyword)

    def _parameter(self, module: Module, call: Call, index: int, keyword: str) -> Holder | None:
        target = self.graph.target(module, call.chain)
        if target is None:
            return None
        inner_module, function = target
        if keyword:
            name = keyword
        else:
            parameters = [p.name for p in function.parameters if p.kind == "positional"]
            if function.owner and parameters[:1] in (["self"], ["cls"]):
                del parameters[0]
            name = parameters[index] if index < len(parameters) else ""
        if not any(parameter.name == name for parameter in function.parameters):
            return None
        if function.name == "__init__" and _retries_somewhere(inner_module):
            return None  # an object that keeps the task
        return inner_module.path, function.qualname, name

    # ------------------------------------------------------------------ calls of retry

    @facts
    def calls(self) -> list[RetryCall]:
        """All calls of Celery's ``retry`` in the product."""
        found: list[RetryCall] = []
        for module in self.project.product_modules():
            for function in module.functions.values():
                if function.name and _CALLED in function.packed_calls:
                    found.extend(self._calls_in(module, function))
        return found

    def _calls_in(self, module: Module, function: Function) -> Iterator[RetryCall]:
        flow = self.flows.of(module, function)
        for call in self.flows.calls(module, function):
            value = function.value_of(call) if call.chain.endswith(".retry") else None
            tasks = self.tasks_of(module, function, call.chain) if value is not None else None
            if value is not None and tasks is not None:
                yield RetryCall(module, function, call, value, flow.step_of(call), tuple(tasks))

    def tasks_of(self, module: Module, function: Function, chain: str) -> list[Task] | None:
        """The tasks that a method is called of; ``None`` if the method is not one of Celery's tasks."""
        receiver, _, method = chain.rpartition(".")
        scope: Function | None = function
        while scope is not None:
            for parameter in scope.parameters:
                if _spelled(scope, parameter.name) == receiver:
                    tasks = self._held[0].get((module.path, scope.qualname, parameter.name))
                    if tasks:
                        return tasks
            scope = module.functions.get(scope.parent) if scope.parent else None
        if receiver.startswith("%"):
            return None
        with self.project.asking("hint"):
            entity = self.project.resolve(module, chain)
        if entity.kind == "member" and entity.owner is not None:
            task = self.tasks.by_function.get(entity.owner)
            return [task] if task is not None else None
        if entity.kind != "external":
            return None
        owner = entity.name.removesuffix(f".{method}")
        if owner in _CURRENT_TASKS:
            return list(self._around.get((module.path, function.qualname), ()))
        if is_task_base(owner.removesuffix("()")):
            own = self.tasks.by_function.get((module.path, receiver[1:].removesuffix("()")))
            return [own] if own is not None else []
        return None

    @cached_property
    def _around(self) -> dict[Key, list[Task]]:
        """The tasks whose own function a function is, or that it stands around."""
        found: dict[Key, list[Task]] = {}
        for task in self.tasks.product:
            if task.function is not None:
                found.setdefault((task.module.path, task.function.qualname), []).append(task)
            for module, function in self.task_options.around(task, None):
                if _CALLED in function.packed_calls:
                    found.setdefault((module.path, function.qualname), []).append(task)
        return found

    @cached_property
    def _calls_of(self) -> dict[Key, list[RetryCall]]:
        found: dict[Key, list[RetryCall]] = {}
        for call in self.calls:
            for task in call.tasks:
                found.setdefault(task.key, []).append(call)
        return found

    def calls_of(self, task: Task) -> tuple[RetryCall, ...]:
        """The calls of ``retry`` that are about a task."""
        return tuple(self._calls_of.get(task.key, ()))

    def hidden(self, task: Task) -> bool:
        """Whether something may retry the task that is not among the calls that are known to be about it."""
        key = task.key
        if key not in self._hidden:
            self._hidden[key] = key in self._held[1] or self._retried_elsewhere(task)
        return self._hidden[key]

    def _retried_elsewhere(self, task: Task) -> bool:
        if task.function is None or self._signal_handler_retries:
            return True
        if any(not self._is_plain_decorator(task, decorator) for decorator in task.inner_decorators):
            return True
        known = {(c.module.path, c.function.qualname) for c in self.calls_of(task)}
        with self.project.asking("quiet"):
            near = self.graph.closure(task.module, task.function)
        near += self.task_options.around(task, None)
        for entity in self.task_options.classes(task):
            assert entity.module is not None
            methods = _with_nested(entity.module, entity.name)
            if any(self._is_given_away(module, function) for module, function in methods):
                return True
            near += methods
        return any(
            _retries(function) and (module.path, function.qualname) not in known for module, function in near
        )

    def _is_given_away(self, module: Module, method: Function) -> bool:
        """Whether a method of a class of tasks hands the task to something that may retry it."""
        if "&self" in method.packed_steps:
            return True
        itself = f"=:{method.qualname.rpartition('.')[0]}()"
        if itself not in method.packed_calls:
            return False
        for call in self.flows.calls(module, method):
            if any(argument.endswith(itself) for argument in call.arguments) and call.leaf() not in _HARMLESS:
                with self.project.asking("quiet"):
                    target = self.graph.target(module, call.chain)
                    name = self.project.resolve(module, call.chain).name
                if target is None and not name.startswith("celery."):
                    return True
                if target is not None and _retries_somewhere(target[0]):
                    return True
        return False

    def _is_plain_decorator(self, task: Task, decorator: Value) -> bool:
        """Whether a decorator below the task's own is of the project or of a library that retries nothing."""
        with self.project.asking("quiet"):
            entity = self.project.resolve(task.module, decorator.chain)
        if entity.kind == "external":
            return entity.name.startswith(("functools.", "contextlib.", "django.", "typing."))
        return entity.kind in ("function", "class")

    @cached_property
    def _signal_handler_retries(self) -> bool:
        return any(
            any(decorator.chain.endswith(".connect") for decorator in function.decorators)
            for module in self.project.product_modules()
            for function in module.functions.values()
            if _CALLED in function.packed_calls
        )

    # ------------------------------------------------------------------ policies

    @cached_property
    def policies(self) -> list[RetryPolicy]:
        """The policies of the tasks that have options about retries."""
        found = []
        for task in self.tasks.product:
            options = self.effective.options(task, RETRY_OPTIONS)
            if options:
                known = self.effective.known(task, RETRY_OPTIONS)
                automatic = self._is_automatic(options.get("autoretry_for"))
                found.append(RetryPolicy(task, options, known, automatic, self.calls_of(task)))
        return found

    def _is_automatic(self, option: Option | None) -> bool:
        if option is None:
            return False
        known = self.project.constant(*option)
        return known is None or known.kind != "sequence" or bool(known.items)

    @facts
    def options(self) -> list[RetryOption]:
        """The options about retries, each where it is written."""
        found: dict[tuple[str, str, tuple[int, ...]], tuple[Module, Value, list[RetryPolicy]]] = {}
        for policy in self.policies:
            for name, (module, value) in policy.options.items():
                key = (name, module.path, tuple(value.span))
                found.setdefault(key, (module, value, []))[2].append(policy)
        every = (
            RetryOption(key[0], module, value, tuple(policies))
            for key, (module, value, policies) in found.items()
        )
        return sorted(every, key=lambda option: (option.module.path, option.value.span))

    # ------------------------------------------------------------------ what is read back

    @cached_property
    def _reads(self) -> dict[str, list[tuple[Module, Function, str]]]:
        """By option: the functions that read it as an attribute, and the path that they read."""
        found: dict[str, list[tuple[Module, Function, str]]] = {}
        for module in self.project.product_modules():
            for function in module.functions.values():
                packed = function.packed_steps
                if ".retry_" not in packed and "retries" not in packed and "_retry_" not in packed:
                    continue
                for step in self.flows.of(module, function).steps:
                    for load in step.loads:
                        name = load.rpartition(".")[2]
                        if "." in load and (name in RETRY_OPTIONS or name == "retries"):
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
        with self.project.asking("quiet"):
            near = {(m.path, f.qualname) for m, f in self.graph.closure(task.module, task.function)}
        classes = {(e.module.path, e.name) for e in self.task_options.classes(task) if e.module is not None}
        for module, function, path in readers:
            root = function.qualname.partition("/")[0]
            if (module.path, function.qualname) in near or (module.path, root) in near:
                return True
            if (module.path, function.owner) in classes:
                return True
            own = path.partition(".")[0] == function.first()
            other_task = (module.path, root) in self._around or (module.path, root) in self._helpers
            if not other_task and not (function.owner and own) and self._is_used(module, function):
                return True
        return False

    def _is_used(self, module: Module, function: Function) -> bool:
        """Whether a plain function, which only gets what others hand to it, is named by any other."""
        if function.owner or function.decorators or not function.parameters:
            return True
        key = (module.path, function.qualname)
        if key not in self._used:
            self._used[key] = any(
                function.name in other.packed_calls
                for each in self.project.product_modules()
                for other in each.functions.values()
                if other is not function
            )
        return self._used[key]

    @cached_property
    def _helpers(self) -> set[Key]:
        """The functions that get a task from tasks that call them."""
        return {(path, qualname) for path, qualname, _ in self._held[0]}

    def constant(self, option: Option | None) -> Value | None:
        """The literal behind an option."""
        return self.project.constant(*option) if option is not None else None

    def is_no_exception(self, module: Module, value: Value) -> bool:
        """Whether a value is certainly something else than an exception, and counts as true."""
        if value.kind in ("constant", "text"):
            return value.kind == "text" or bool(value.data)
        if value.kind == "call":
            with self.project.asking("quiet"):
                return self.project.resolve(module, value.chain).name in _TEXT_MAKERS
        return value.kind == "name" and value.chain.endswith(".status_code")

    def entity(self, module: Module, value: Value) -> Entity:
        """What an exception in an option is."""
        with self.project.asking("quiet"):
            return self.project.value_entity(module, value)


def _spelled(function: Function, name: str) -> str:
    """The chain of a parameter in its function: an annotated one stands for an instance of its class."""
    for parameter in function.parameters:
        if parameter.name == name and parameter.annotation[:1] not in ("", "~", "%"):
            return f"{parameter.annotation}()"
    return f"%{name}"


def _retries(function: Function) -> bool:
    return _CALLED in function.packed_calls or "exceptions.Retry()" in function.packed_steps


def _retries_somewhere(module: Module) -> bool:
    return any(_retries(function) for function in module.functions.values())


def _with_nested(module: Module, qualname: str) -> list[tuple[Module, Function]]:
    """A function with those in it, or the methods of a class."""
    return [
        (module, function)
        for name, function in module.functions.items()
        if name == qualname or name.startswith((f"{qualname}/", f"{qualname}."))
    ]
