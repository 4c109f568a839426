"""What runs a coroutine, on whose loop, for which task, and what outlives that loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from celery_lint.inventory.code.async_to_sync import Bridged
from celery_lint.inventory.code.graph import Calls, Reached
from celery_lint.inventory.resources.resources import RELEASES, Resource, Resources
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Call, Function, MisplacedAwait, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts

# These make a loop, run one coroutine on it and close it.
_RUNNERS = frozenset(
    [
        "asyncio.run",
        "asyncio.runners.run",
        "asyncio.Runner().run",
        "asyncio.runners.Runner().run",
        "anyio.run",
        "trio.run",
        "uvloop.run",
    ]
)
# These hand it to the loop of the process, which runs in a thread or greenlet of its own.
_APART = frozenset({"celery_lint.runtime.run_async", "celery_lint.runtime.event_loop.run_async"})
_LOOP_MAKERS = ("asyncio.new_event_loop()", "asyncio.events.new_event_loop()", "uvloop.new_event_loop()")
_CURRENT_LOOPS = ("asyncio.get_event_loop", "asyncio.get_running_loop")
_LOOP_CLASSES = ("asyncio.AbstractEventLoop()", "asyncio.events.AbstractEventLoop()")
_COROUTINE_POOLS = frozenset({"celery_aio_pool", "celery_pool_asyncio", "aio_celery", "celery_asyncio_pool"})
# These take a coroutine, or a function that makes one, for another to run.
_HANDING_ON = frozenset({"partial", "wait_for", "shield", "gather"})
_RUN_LEAVES = frozenset({"run", "run_until_complete", "run_async", "async_to_sync"})


class Use(NamedTuple):
    """A resource that the coroutine of a run uses, and where."""

    resource: Resource
    place: Place


class LoopRun(NamedTuple):
    """A call that runs a coroutine from synchronous code that tasks reach.

    ``kind`` is ``run`` (a loop made and closed by ``asyncio.run`` and its like), ``new`` (a loop of its own
    by ``new_event_loop``), ``current`` (the thread's loop, made when missing and kept), ``given`` (a loop
    that is a parameter), ``kept`` (a loop kept for the process, ``shared`` if a module or a class holds it),
    ``apart`` (the loop of the process in a thread or greenlet of its own, as ``celery_lint.runtime`` keeps
    one) or ``bridge`` (``async_to_sync``). ``helper`` says that the coroutine is a parameter.
    ``adaptive`` says that the function first asks whether a loop is running already. ``coroutines`` are the
    functions whose coroutines it runs, as far as they can be seen, ``uses`` the pooled objects that these
    use and that nobody disposes of, ``engines`` all async engines that they use.
    """

    kind: str
    runner: str
    module: Module
    function: Function
    call: Call
    shared: bool
    helper: bool
    adaptive: bool
    reached: tuple[Reached, ...]
    coroutines: tuple[tuple[Module, Function], ...]
    uses: tuple[Use, ...]
    engines: tuple[Use, ...]

    @property
    def place(self) -> Place:
        """The run call itself."""
        return self.module.place(self.call.span)

    def related(self) -> list[tuple[Place, str]]:
        """The tasks that reach the run, the first three of them."""
        others = [reached for reached in self.reached if reached.task.function is not self.function]
        return [(reached.task.place, f"reached from task `{reached.task.label}`") for reached in others[:3]]


class Disposal(NamedTuple):
    """A call of ``dispose`` on an async engine. ``in_coroutine`` names the tasks whose coroutine runs it."""

    module: Module
    function: Function
    call: Call
    engine: str
    tasks: tuple[Task, ...]
    first_action: bool
    guarded: bool

    @property
    def place(self) -> Place:
        """The dispose call."""
        return self.module.place(self.call.span)


class StrayAwait(NamedTuple):
    """An ``await`` in a plain function of a module that defines tasks."""

    module: Module
    fact: MisplacedAwait
    of_engine: bool


class EventLoops:
    """All coroutine runs of a project that tasks reach."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.graph = known.of(Calls)
        self.resources = known.of(Resources)
        self.bridged = known.of(Bridged)
        self.flows = known.project.flows

    @cached_property
    def reached(self) -> dict[Key, list[Reached]]:
        """The synchronous functions that tasks reach."""
        product = self.tasks.product
        with self.project.asking("quiet"):
            return self.graph.reached(product)

    @cached_property
    def synchronous(self) -> list[tuple[Module, Function, list[Reached]]]:
        """The plain functions of the product that tasks reach, without those that the user vouches for."""
        found = []
        for (path, qualname), reached in self.reached.items():
            module = self.project.modules.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is None or function is None or function.is_async or not is_product_path(path):
                continue
            if function.name not in self.project.configuration.async_helpers:
                found.append((module, function, reached))
        return found

    @facts
    def runs(self) -> list[LoopRun]:
        """The coroutine runs, by path and position."""
        found = []
        for module, function, reached in self.synchronous:
            for call in self.flows.calls(module, function):
                leaf = call.leaf()
                if leaf in _RUN_LEAVES or "async_to_sync" in call.chain or leaf in self.bridged.names:
                    with self.project.asking("hint"):
                        run = self._run(module, function, call, reached)
                    if run is not None:
                        found.append(run)
        return sorted(found, key=lambda run: (run.module.path, run.call.span))

    def runner(self, module: Module, function: Function, call: Call) -> tuple[str, str] | None:
        """The kind and name of the runner that a call is."""
        chain = call.chain
        if chain[:1] == "%" or ("l" in call.flags and "e" not in call.flags):
            return None
        entity = self.project.resolve(module, chain)
        name = entity.name if entity.kind == "external" else ""
        if name in _RUNNERS:
            if "Runner()" in name and not _made_here(chain, entity):
                return "kept", "Runner.run"
            return "run", name.replace("runners.", "").replace("Runner().run", "Runner.run")
        if name in _APART:
            return "apart", "run_async"
        if name.endswith(".run_until_complete"):
            owner = name.removesuffix(".run_until_complete")
            if owner.startswith("threading.local()"):
                return "current", "run_until_complete"
            if not _made_here(chain, entity):
                return "kept", "run_until_complete"
            if owner in _LOOP_CLASSES:
                return "given", "run_until_complete"
            if owner in _LOOP_MAKERS and not self._asks_for_loop(module, function):
                return "new", "run_until_complete"
            return "current", "run_until_complete"
        if self.bridged.is_bridge(entity):
            return "bridge", "async_to_sync"
        return None

    def _asks_for_loop(self, module: Module, function: Function) -> bool:
        return any(call.chain in _CURRENT_LOOPS for call in self.flows.calls(module, function))

    def _run(self, module: Module, function: Function, call: Call, reached: list[Reached]) -> LoopRun | None:
        runner = self.runner(module, function, call)
        if runner is None or (not call.arguments and runner[0] != "bridge"):
            return None
        kind, name = runner
        helper, coroutines = self.coroutines_of(module, function, call, kind, reached)
        engines, uses = self.uses_of(coroutines, (module, function), reached, call)
        adaptive = self._asks_for_loop(module, function)
        shared = kind == "kept" and self.project.resolve(module, call.chain).origin is not None
        return LoopRun(
            kind,
            name,
            module,
            function,
            call,
            shared,
            helper,
            adaptive,
            tuple(reached),
            tuple(coroutines),
            uses,
            engines,
        )

    def coroutines_of(
        self, module: Module, function: Function, call: Call, kind: str, reached: Sequence[Reached]
    ) -> tuple[bool, list[tuple[Module, Function]]]:
        """Whether a run gets its coroutine from outside, and the functions whose coroutines it runs."""
        first = call.first()
        if kind == "bridge":
            target = self.bridged.target(module, call)
            if target is not None:
                return False, [target]
            first = self.bridged.argument(module, function, call)
        name = self._parameter(module, function, first)
        if name and any(parameter.name == name for parameter in function.parameters):
            return True, list(self._handed_over(reached))
        target = self.coroutine_function(module, function, first)
        if target is not None:
            return False, [target]
        if function.name == "__call__" or (name and self._is_outer_parameter(module, function, name)):
            # A decorator, or a base class, runs the coroutine of the task that it stands around.
            around = [way.task for way in reached if way.through is None]
            return True, [(task.module, task.function) for task in around if task.function is not None]
        return False, []

    def handed_over(self, run: LoopRun, way: Reached) -> list[tuple[Module, Function]]:
        """The coroutine functions of a run that one of its tasks is the reason for."""
        if not run.helper:
            return list(run.coroutines)
        with self.project.asking("hint"):
            return list(self._handed_over([way]))

    def _is_outer_parameter(self, module: Module, function: Function, name: str) -> bool:
        outer = module.functions.get(function.parent) if function.parent else None
        return outer is not None and any(parameter.name == name for parameter in outer.parameters)

    def _parameter(self, module: Module, function: Function, argument: str) -> str:
        """The local name that an argument is, or calls."""
        if argument.startswith("=%"):
            return argument[2:].rstrip("()")
        if argument.startswith("("):
            chain = self.flows.calls(module, function)[int(argument[1:])].chain
            return chain[1:].rstrip("()") if chain.startswith("%") else ""
        return ""

    def _handed_over(self, reached: Sequence[Reached]) -> Iterator[tuple[Module, Function]]:
        """The coroutine functions that callers hand to a helper."""
        seen: set[Key] = set()
        for way in reached:
            if way.through is None:
                continue
            for caller_module, caller, call in self._callers(way):
                for argument in call.arguments[:2]:
                    target = self.coroutine_function(caller_module, caller, argument)
                    if target is not None and (target[0].path, target[1].qualname) not in seen:
                        seen.add((target[0].path, target[1].qualname))
                        yield target

    def coroutine_function(
        self, module: Module, function: Function, argument: str
    ) -> tuple[Module, Function] | None:
        """The coroutine function that an argument is, calls, or binds with ``partial``."""
        text = argument if argument[:1] in ("=", "(", "'", "*", "?") else argument.partition(":")[2]
        if text.startswith("("):
            inner = self.flows.calls(module, function)[int(text[1:])]
            if inner.leaf() in _HANDING_ON and inner.arguments:
                return self.coroutine_function(module, function, inner.first())
        return self.graph.argument(module, function, text)

    def _callers(self, way: Reached) -> Iterator[tuple[Module, Function, Call]]:
        """The functions on the way that call the helper."""
        assert way.through is not None
        task = way.task
        if task.function is None:
            return
        for module, function in self.graph.closure(task.module, task.function):
            if function.is_async:
                continue
            for callee in self.graph.callees(module, function):
                if callee.function is way.through.function:
                    yield module, function, callee.call

    def _all_callers(self, reached: Sequence[Reached]) -> list[tuple[Module, Function, Call]]:
        return [caller for way in reached if way.through is not None for caller in self._callers(way)]

    # ------------------------------------------------------------------ resources

    def uses_of(
        self,
        coroutines: list[tuple[Module, Function]],
        runner: tuple[Module, Function],
        reached: Sequence[Reached],
        run: Call,
    ) -> tuple[tuple[Use, ...], tuple[Use, ...]]:
        """The async engines that coroutines use, and all that outlives the run undisposed."""
        disposed = self._disposed(runner) | self._disposed_by_callers(reached)
        engines: dict[Key, Use] = {}
        outliving: dict[Key, Use] = {}
        for module, function in coroutines:
            closure = self.graph.closure(module, function)
            mine = set(disposed)
            for inner in closure:
                mine |= self._disposed_in(*inner)
            for current_module, current in closure:
                for resource, call in self.resources.used_in(current_module, current, self.flows.calls):
                    use = Use(resource, current_module.place(call.span))
                    if resource.kind == "engine" and resource.pooled is not None:
                        engines.setdefault(resource.key, use)
                    if resource.pooled is True and resource.key not in mine:
                        outliving.setdefault(resource.key, use)
        for use in self._direct_uses(runner, run, reached):
            if use.resource.key not in disposed:
                outliving.setdefault(use.resource.key, use)
        return tuple(engines.values()), tuple(outliving.values())

    def _direct_uses(
        self, runner: tuple[Module, Function], run: Call, reached: Sequence[Reached]
    ) -> Iterator[Use]:
        """The clients whose own coroutines are run: ``asyncio.run(client.get(url))``, also by a helper."""
        for module, function, call in [(*runner, run), *self._all_callers(reached)]:
            if call.first().startswith("("):
                inner = self.flows.calls(module, function)[int(call.first()[1:])]
                resource = self.resources.used_by(module, inner)
                if resource is not None and resource.kind == "client" and inner.leaf() not in RELEASES:
                    yield Use(resource, module.place(inner.span))

    def _disposed(self, runner: tuple[Module, Function]) -> set[Key]:
        found = set(self._disposed_by_signals)
        for module, function in self.graph.closure(*runner):
            found |= self._disposed_in(module, function)
        return found

    def _disposed_by_callers(self, reached: Sequence[Reached]) -> set[Key]:
        """What all functions release that call the function of a run."""
        released = [self._disposed_in(module, caller) for module, caller, _ in self._all_callers(reached)]
        return set.intersection(*released) if released else set()

    @cached_property
    def _disposed_by_signals(self) -> set[Key]:
        """The engines that the project disposes of before or after every task."""
        found: set[Key] = set()
        for module in self.project.product_modules():
            for function in module.functions.values():
                if ("dispose" in function.packed_calls or "close\t" in function.packed_calls) and any(
                    decorator.chain.startswith("celery.signals.task_") for decorator in function.decorators
                ):
                    found |= self._disposed_in(module, function)
        return found

    def _disposed_in(self, module: Module, function: Function) -> set[Key]:
        return self.resources.released_in(module, function, self.flows.calls)

    @cached_property
    def awaits_tasks(self) -> bool:
        """Whether the project installs a worker pool or tracer that awaits coroutine tasks."""
        if self.project.configuration.pool_classes:
            return True
        for module in self.project.product_modules():
            imported = [*module.imports.values(), *module.star_imports]
            if any(name.partition(".")[0] in _COROUTINE_POOLS for name in imported):
                return True
            if any(assignment.target.startswith("celery.app.trace") for assignment in module.assignments):
                return True
            if any(name == "celery.app.trace.build_tracer" for name in imported):
                return True
        return any(":" in command.pool or command.pool == "custom" for command in self.project.commands)

    @cached_property
    def task_coroutines(self) -> dict[Key, list[Task]]:
        """The functions that run inside the coroutines of tasks."""
        with self.project.asking("hint"):
            return self._task_coroutines()

    def _task_coroutines(self) -> dict[Key, list[Task]]:
        found: dict[Key, list[Task]] = {}
        for run in self.runs:
            for module, function in run.coroutines:
                for inner_module, inner in self.graph.closure(module, function):
                    known = found.setdefault((inner_module.path, inner.qualname), [])
                    for reached in run.reached:
                        if reached.task not in known:
                            known.append(reached.task)
        return found

    @facts
    def disposals(self) -> list[Disposal]:
        """Every ``dispose`` of an async engine in the product."""
        found = []
        for module in self.project.product_modules():
            for function in module.functions.values():
                if "dispose" not in function.packed_calls:
                    continue
                calls = self.flows.calls(module, function)
                for call in calls:
                    engine = self.resources.disposed_by(module, call)
                    if engine is not None:
                        found.append(self._disposal(module, function, calls, call))
        return found

    def _disposal(self, module: Module, function: Function, calls: list[Call], call: Call) -> Disposal:
        before = [other for other in calls if other.number < call.number and other.flags != "d"]
        guarded = any(
            other.chain == call.chain and ("f" in other.flags or "w" in other.flags) for other in calls
        ) or any("push_async_callback" in other.chain or "callback" in other.leaf() for other in calls)
        label = next((argument[1:] for argument in call.arguments if argument.startswith("@")), "engine")
        tasks = tuple(self.task_coroutines.get((module.path, function.qualname), ()))
        return Disposal(module, function, call, label, tasks, not before, guarded)

    @facts
    def stray_awaits(self) -> list[StrayAwait]:
        """The awaits in plain functions of modules that define tasks."""
        with_tasks = {task.module.path for task in self.tasks.all}
        found = []
        for path in sorted(with_tasks):
            module = self.project.modules[path]
            for fact in module.misplaced_awaits:
                chain = fact.chain.removesuffix("()")
                owner, _, leaf = chain.rpartition(".")
                of_engine = leaf == "dispose" and self.resources.is_async_engine(
                    self.project.resolve(module, owner)
                )
                found.append(StrayAwait(module, fact, of_engine))
        return found


def _made_here(chain: str, entity: Entity) -> bool:
    """Whether the object before the last component of a chain was made for this use of it.

    It was not when it has a name of its own: of a module, a class, an attribute of some object.
    """
    return entity.origin is None and chain.rpartition(".")[0].endswith("()")
