"""Whether a function is called, and has ended when a signal comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.application.signals.connections import Signal
from celery_lint.inventory.code.called import behind
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import SENDING
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known
from celery_lint.project.modules import leaf_of

# What may start a worker, or stay for as long as the program runs.
_STAYING = (
    "start", "run", "main", "worker_main", "Worker", "WorkController", "Beat", "start_worker", "cli",
    "execute_from_command_line", "call_command", "invoke", "serve", "serve_forever", "run_forever",
    "run_until_complete", "run_app", "run_simple", "launch", "import_default_modules", "consume", "fork",
)  # fmt: skip
# What starts a worker.
_WORKERS = ("worker_main", "Worker", "WorkController", "start")
# What sends a task, or runs it there and then.
_SENDING = (*SENDING, "send_task", "apply", "delay_on_commit", "apply_async_on_commit")
# What sets logging up.
_LOGGING = ("setup", "setup_logging_subsystem")
# What may keep the variables of a function.
_LOOKING = frozenset({"locals", "vars", "exec", "eval"})
_FRAMES = ("currentframe", "stack")
_FIXTURES = frozenset({"fixture", "contextmanager", "asynccontextmanager"})
# Decorators that register nothing: somebody must call what they stand above.
_PLAIN = frozenset(
    {"cache", "cached_property", "classmethod", "lru_cache", "override", "property", "staticmethod", "wraps"}
)
# Classes whose methods others call: Django calls `ready`, Celery the steps of its workers.
_READY = frozenset({"django.apps.AppConfig", "django.apps.config.AppConfig"})
_BOOTSTEPS = "celery.bootsteps."
_CALLED_OF_BOOTSTEPS = frozenset({"__init__", "create", "start"})


class Ended:
    """The functions that something calls, and that are over when Celery sends a signal."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.tasks = known.of(Tasks)
        self._called: dict[Key, bool] = {}
        #: The names of those that nothing read so far calls, with the last part of their module's.
        self.uncalled: set[tuple[str, str]] = set()

    # ------------------------------------------------------------------ it ends, and forgets

    def forgets(self, module: Module, function: Function) -> bool:
        """Whether the variables of a function are gone when it has ended, which it does by itself."""
        if function.is_async or function.is_generator or not function.name:
            return False
        if (module.path, function.qualname) in self.tasks.by_function or function.mentions(*_FRAMES):
            return False
        if any(leaf_of_chain(decorator.chain) in _FIXTURES for decorator in function.decorators):
            return False
        steps = self.functions.of(module, function).steps
        return not any(not _LOOKING.isdisjoint(step.loads) for step in steps)

    def is_over(self, module: Module, function: Function, after: Sequence[Step], signal: Signal) -> bool:
        """Whether nothing in these statements, or in what they call, can bring the signal."""
        words: tuple[str, ...] = _STAYING
        if "task" in signal.name:
            words += _SENDING
        elif "log" in signal.name:
            words += _LOGGING
        calls = self.functions.calls(module, function)
        for step in after:
            if step.kind == "while":
                return False
            if any(leaf_of_chain(chain) in words for chain in step.chains if chain.endswith("()")):
                return False
            for number in step.calls:
                if not self._leaves(module, calls[number], words):
                    return False
        return True

    def _leaves(self, module: Module, call: Call, words: tuple[str, ...]) -> bool:
        """Whether a call, and what it calls, does none of this."""
        if call.leaf() in words:
            return False
        if call.chain[:1] == "%" and "." not in call.chain:
            return False  # a function that the caller has given
        target = self.graph.target(module, call.chain)
        if target is None:
            return True
        return not any(
            inner.may_call(*words) or any(leaf_of_chain(step.value) in words for step in _calling(flow))
            for home, inner in self.graph.here(*target)
            for flow in (self.functions.of(home, inner),)
        )

    # ------------------------------------------------------------------ it is called

    def is_called(self, module: Module, function: Function) -> bool:
        """Whether the product, or a framework that it hands the function to, calls a function."""
        if not function.name:
            return True
        key = (module.path, function.qualname)
        if key not in self._called:
            self._called[key] = False  # for one that calls nobody but itself
            self._called[key] = self._is_given(module, function) or self._is_named(module, function)
            if not self._called[key]:
                self.uncalled.add((_called_as(function), leaf_of(module.path)))
        return self._called[key]

    def _is_given(self, module: Module, function: Function) -> bool:
        """Whether it is handed to a framework by where it stands, or by a decorator."""
        if any(leaf_of_chain(decorator.chain) not in _PLAIN for decorator in function.decorators):
            return True
        if not function.owner or function.name not in {"ready", *_CALLED_OF_BOOTSTEPS}:
            return False
        for base in self.project.bases(Entity("class", function.owner, module)):
            if function.name == "ready" and base.name in _READY:
                return True
            if function.name != "ready" and base.name.startswith(_BOOTSTEPS):
                return True
        return False

    def _is_named(self, module: Module, function: Function) -> bool:
        """Whether something that is called itself calls it, or hands it on."""
        name = _called_as(function)
        if name.startswith("__"):
            return False
        modules = self.project.product_modules()
        is_alone = len(list(self.functions.named(modules, function.name))) == 1
        return any(
            self._leads_to(home, call, name, function, is_alone) and self._is_made(home, other, call)
            for home, other in self.functions.holding(modules, name)
            for call in self.functions.calls(home, other)
            if other.qualname != function.qualname or home is not module
        )

    def _is_made(self, home: Module, caller: Function, call: Call) -> bool:
        """Whether a call is made: its function is called, or the module itself makes it.

        What stands under ``__main__`` shows how something is used, unless it starts a worker.
        """
        if not caller.name:
            return not call.in_main or self._starts_a_worker(home, caller)
        if (home.path, caller.qualname) in self.tasks.by_function:
            return True
        return self.is_called(home, caller) or self._is_of_a_library(home, caller)

    def _starts_a_worker(self, module: Module, main: Function) -> bool:
        called = [call for call in self.functions.calls(module, main) if call.in_main]
        targets = [self.graph.target(module, call.chain) for call in called]
        inside = [each for target in targets if target is not None for each in self.graph.here(*target)]
        return any(call.leaf() in _WORKERS for call in called) or any(
            inner.may_call(*_WORKERS) for _, inner in inside
        )

    def _is_of_a_library(self, module: Module, function: Function) -> bool:
        """Whether a method may be called by a class of a package that its own derives from."""
        if not function.owner:
            return False
        class_ = Entity("class", function.owner, module)
        others = [base for base in self.project.bases(class_) if base.kind != "class"]
        return any(base.name != "builtins.object" for base in others)

    def _leads_to(self, home: Module, call: Call, name: str, function: Function, is_alone: bool) -> bool:
        leads = call.leaf().rpartition("/")[2] == name
        chains = [call.chain] if leads else []
        chains += [chain for chain in call.named if leaf_of_chain(chain).rpartition("/")[2] == name]
        for chain in chains:
            if chain[:1] == "%":
                if is_alone and "." in chain:
                    return True
                continue
            found = behind(self.project, self.project.resolve(home, chain))
            if found is not None and found.function is function:
                return True
            if found is None and is_alone and function.owner and "." in chain:
                return True
        return False


def _called_as(function: Function) -> str:
    """The name by which a function is called: that of the class for what makes an object."""
    return function.owner.rpartition(".")[2] if function.name == "__init__" else function.name


def _calling(flow: Flow) -> Iterator[Step]:
    return (step for step in flow.steps if step.value.endswith("()"))
