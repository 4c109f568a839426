"""Event loops, and asyncio's own locks and queues, that a module makes when it is imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.loops import Loops
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.workers.pools import Pool
from celery_lint.inventory.workers.running import Workers
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Class, Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

_MODULES = ("asyncio", "asyncio.locks", "asyncio.queues")
_KINDS = ("Lock", "Semaphore", "BoundedSemaphore", "Event", "Condition", "Barrier") + (
    "Queue",
    "LifoQueue",
    "PriorityQueue",
)
_PRIMITIVES = {f"{module}.{kind}()": kind for module in _MODULES for kind in _KINDS}
_LOOPS = frozenset(
    f"asyncio.{module}{name}()" for module in ("", "events.") for name in ("new_event_loop", "get_event_loop")
)
# Methods of primitives that may wait.
_WAITING = frozenset({"acquire", "get", "put", "wait", "wait_for", "join"})
# Calls after which several coroutines of one loop are under way at once.
_CONCURRENT = frozenset(
    {"gather", "create_task", "ensure_future", "as_completed", "TaskGroup", "start_soon", "create_task_group"}
)


class SharedPrimitive(NamedTuple):
    """A lock or queue of a module that coroutines on several loops wait for. ``pool``: in several threads."""

    name: str
    kind: str  # the class, as `asyncio` names it
    place: Place
    use: Place
    run: LoopRun
    pool: Pool | None


class ImportedLoop(NamedTuple):
    """An event loop made at import that forked children use. ``thread``: its thread is started there too."""

    name: str
    place: Place
    use: Place
    pool: Pool
    thread: bool


class LoopPrimitives:
    """What belongs to a loop and is made before any task runs."""

    def __init__(self, known: Known) -> None:
        self.functions = known.project.functions
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.workers = known.of(Workers)
        self.commands = known.of(Commands)
        self.all_loops = known.of(Loops)
        self.runs = known.of(Runs)

    # ------------------------------------------------------------------ locks and queues

    @facts
    def shared(self) -> list[SharedPrimitive]:
        """Each primitive once, with the first use that a run leads to."""
        known = self._primitives
        found: dict[Key, SharedPrimitive] = {}
        if not known:
            return []
        for run in self.all_loops.across:
            pool = self.all_loops.pool_of(run, "threads")
            for coroutine in run.coroutines:
                closure = self.graph.deep_closure(*coroutine)
                at_once = self._at_once(closure)
                together = {(module.path, function.qualname) for module, function in at_once}
                for module, function in closure if pool is not None else at_once:
                    is_alone = (module.path, function.qualname) not in together
                    for origin, use in self._waits(module, function, pool is not None):
                        if is_alone and pool is not None and self._has_one_for_each(origin, pool):
                            continue
                        if origin in known and origin not in found:
                            kind, place = known[origin]
                            found[origin] = SharedPrimitive(origin[1], kind, place, use, run, pool)
        return list(found.values())

    def _has_one_for_each(self, origin: Key, pool: Pool) -> bool:
        """Whether a semaphore has as many permits as the workers of a pool have threads: nobody waits.

        It belongs to no loop before somebody does (tried with Python 3.11).
        """
        module = self.project.modules.get(origin[0])
        made = module.bindings[origin[1]][0] if module is not None and origin[1] in module.bindings else None
        given = made.first() or made.keyword("value") if made is not None else None
        if module is None or made is None or given is None or not made.chain.endswith("Semaphore"):
            return False
        permits = self.project.number(module, given)
        threads = [c.concurrency for c in self.commands.all if c.place == pool.place and c.pool == pool.name]
        known = permits is not None and bool(threads) and all(map(str.isdecimal, threads))
        return known and max(map(int, threads)) <= (permits or 0)

    @once
    def _primitives(self) -> dict[Key, tuple[str, Place]]:
        """The primitives that modules make at import: their kinds and places."""
        found = {}
        for module in self.project.product_modules():
            for name, values in module.bindings.items():
                if len(values) == 1 and values[0].kind == "call" and values[0].chain:
                    entity = self.project.value_entity(module, values[0])
                    kind = _PRIMITIVES.get(entity.name) if entity.kind == "external" else None
                    if kind is not None and self.functions.around(module, values[0]) is None:
                        found[(module.path, name)] = kind, module.place(values[0].span)
            for class_ in module.classes.values():
                for name, values in class_.attributes.items():
                    kind = self._primitive(module, values)
                    if kind is not None and self._is_kept(module, class_, values[0]):
                        found[module.path, f"{class_.qualname}.{name}"] = kind, module.place(values[0].span)
        return found

    def _primitive(self, module: Module, values: tuple[Value, ...]) -> str | None:
        if len(values) != 1 or values[0].kind != "call" or not values[0].chain.endswith(_KINDS):
            return None
        entity = self.project.value_entity(module, values[0])
        return _PRIMITIVES.get(entity.name) if entity.kind == "external" else None

    def _is_kept(self, module: Module, class_: Class, value: Value) -> bool:
        """Whether what a class holds lives as long as the process: in the class, or in its only object."""
        maker = self.functions.around(module, value)
        if maker is None:
            return True
        if maker.owner != class_.qualname or maker.name != "__init__":
            return False
        return class_.name in self._kept_classes and not self._is_made(class_.name)

    @once
    def _kept_classes(self) -> set[str]:
        """The names of what modules bind an object of: `manager = Manager()`."""
        return {
            leaf_of_chain(value.chain)
            for module in self.project.product_modules()
            for values in module.bindings.values()
            for value in values
            if value.kind == "call" and self.functions.around(module, value) is None
        }

    def _is_made(self, name: str) -> bool:
        """Whether functions make objects of a class, too: then nobody knows which one is used."""
        return any(function.name for _, function in self.project.calling(f".{name}", f":{name}"))

    def _at_once(self, closure: Sequence[tuple[Module, Function]]) -> list[tuple[Module, Function]]:
        """Those of these functions of which several calls may be under way at once on one loop."""
        found: set[Key] = set()
        helpers: set[Key] = set()  # they run what they are given
        for module, function in closure:
            if self._is_concurrent(module, function):
                inner = self._below(module, function)
                found |= inner
                if len(inner) == 1:
                    helpers |= inner
        for module, function in closure if helpers else ():
            for call in self.functions.calls(module, function):
                target = self.graph.target(module, call.chain)
                if target is not None and (target[0].path, target[1].qualname) in helpers:
                    found |= self._below(module, function)
        return [(home, each) for home, each in closure if (home.path, each.qualname) in found]

    def _below(self, module: Module, function: Function) -> set[Key]:
        return {(home.path, each.qualname) for home, each in self.graph.deep_closure(module, function)}

    def _is_concurrent(self, module: Module, function: Function) -> bool:
        return any(call.leaf() in _CONCURRENT for call in self.functions.calls(module, function))

    def _waits(self, module: Module, function: Function, threads: bool) -> Iterator[tuple[Key, Place]]:
        """The module-level objects that a function waits for, with ``async with`` or by a method.

        In ``threads`` the first time of one may be that of another, too.
        """
        if not function.is_async:
            return
        for step in self.functions.of(module, function).steps:
            # Who holds it without waiting for anything gives it back before anybody else can ask.
            if step.kind == "with" and step.waits and self._waits_below(module, function, step, threads):
                for chain in step.chains:
                    origin = self._origin(module, chain.partition("=")[0])
                    if origin is not None:
                        yield origin, module.place(step.span)
        for call in self.functions.calls(module, function):
            owner, _, leaf = call.chain.rpartition(".")
            if leaf in _WAITING and call.is_awaited:
                origin = self._origin(module, owner)
                if origin is not None:
                    yield origin, module.place(call.span)

    def _waits_below(self, module: Module, function: Function, step: Step, threads: bool) -> bool:
        """Whether what stands under a statement waits for something, and not only for the first time."""
        calls = self.functions.calls(module, function)
        flow = self.functions.of(module, function)
        waiting = [
            inner
            for inner in flow.below(step)
            if inner.waits or any(calls[number].is_awaited for number in inner.calls)
        ]
        return bool(waiting) and (threads or not _only_once(module, flow, step, waiting))

    def _origin(self, module: Module, chain: str) -> Key | None:
        if not chain or chain[:1] in "%~":
            return None
        owner, _, name = chain.rpartition(".")
        object_ = self.project.resolve(module, owner) if owner else None
        if object_ is not None and object_.kind in ("class", "instance"):
            return self._attribute(object_, name)
        return self.project.resolve(module, chain).origin if "()" not in chain else None

    def _attribute(self, object_: Entity, name: str) -> Key | None:
        """The attribute of a class, or of one that it derives from, that holds a primitive."""
        for base in self.project.bases(object_._replace(kind="class")):
            if base.module is not None and (base.module.path, f"{base.name}.{name}") in self._primitives:
                return base.module.path, f"{base.name}.{name}"
        return None

    # ------------------------------------------------------------------ loops

    @facts
    def loops(self) -> list[ImportedLoop]:
        """The loops made at import that tasks use in children of a prefork worker."""
        found: dict[Key, ImportedLoop] = {}
        for origin, use, pool in self._users():
            path, name = origin
            module = self.project.modules[path]
            values = [v for v in module.bindings.get(name, ()) if v.kind != "constant"]
            if (
                origin in found
                or not values
                or any(self.functions.around(module, v) is not None for v in values)
            ):
                continue
            entity = self.project.member(module, name)
            if entity.kind == "external" and entity.name in _LOOPS:
                place, thread = module.place(values[0].span), _starts_thread(module, name)
                found[origin] = ImportedLoop(name, place, use, pool, thread)
        return list(found.values())

    def _users(self) -> Iterator[tuple[Key, Place, Pool]]:
        for run in self.runs.all:
            pool = self.all_loops.pool_of(run, "prefork") if run.kind == "kept" else None
            loop = self.all_loops.loop_of(run).origin if pool is not None else None
            if loop is not None and pool is not None:
                yield loop, run.place, pool
        for given in self.all_loops.submissions:
            pool = self.workers.running(("prefork",), (reached.task for reached in given.reached))
            if given.loop.origin is not None and pool is not None:
                yield given.loop.origin, given.module.place(given.call.span), pool


def _starts_thread(module: Module, name: str) -> bool:
    """Whether the import starts a thread that runs the loop."""
    top = module.functions[""]
    return any(call.leaf() == "Thread" and call.hands_on(f":{name}.run_forever") for call in top.calls())


def _only_once(module: Module, flow: Flow, block: Step, waiting: Sequence[Step]) -> bool:
    """Whether these statements of a block only fill what is empty at first, and never again.

    ``if client: return client`` before them, or ``if client is None:`` around them, of global names that
    they fill and that nothing else does: from then on nobody holds the lock while he waits.
    """
    told = {name for step in flow.steps if step.kind == "global" for name in step.stores}
    filled = {
        name for step in flow.below(block) for name in step.stores if _begins_empty(module, name)
    } & told
    first = flow.body(block)[0]
    if first.kind == "if" and _asks_for(first, filled, "") and flow.ends(flow.body(first)):
        within = {step.number for step in flow.below(first)}
        return not any(step.number in within for step in waiting)
    return all(_is_filling(flow, block, step, filled) for step in waiting)


def _is_filling(flow: Flow, block: Step, step: Step, filled: set[str]) -> bool:
    """Whether a statement runs only if a test of the block finds one of these names empty."""
    for outer in flow.ancestors(step):
        if outer.parent == block.number:
            return outer.kind == "if" and step.role == "body" and _asks_for(outer, filled, "!")
        step = outer
    return False


def _asks_for(test: Step, filled: set[str], sign: str) -> bool:
    """Whether a test asks for one of these names alone, or for nothing but several of them.

    What they hold is another question: ``token is None or token.expired()`` is true again some day.
    """
    if test.value:
        return test.value.startswith(f"{sign}:") and test.value[len(sign) + 1 :] in filled
    return len(test.loads) > 1 and filled.issuperset(test.loads) and not test.calls


def _begins_empty(module: Module, name: str) -> bool:
    """Whether a module binds a name to ``None``, and one statement of a function to something else."""
    values = module.bindings.get(name, ())
    return len(values) == 2 and values[0].kind == "constant" and values[0].data is None
