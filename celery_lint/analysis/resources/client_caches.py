"""Caches at module level that keep loop-bound clients from one task to the next."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.loops import Loops
from celery_lint.inventory.code.runs import LoopRun
from celery_lint.inventory.resources.resources import Resources
from celery_lint.libraries.threads import CONTAINERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Assignment, Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts, once

_CACHES = ("cache", "lru_cache")
_KEEPING = frozenset({"append", "setdefault"})
_EMPTYING = frozenset({"clear", "popitem", "pop"})


class ClientCache(NamedTuple):
    """A cache of loop-bound objects, where it is filled, and a run whose coroutine fills and uses it."""

    name: str
    owner: str
    place: Place
    run: LoopRun
    function: bool


class _Fill(NamedTuple):
    name: str
    owner: str
    place: Place
    function: bool


class ClientCaches:
    """The caches that coroutines of tasks fill while each task has a loop of its own."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.resources = known.of(Resources)
        self.functions = known.project.functions
        self.loops = known.of(Loops)

    @facts
    def all(self) -> list[ClientCache]:
        """Each cache once, with the first run that fills it."""
        found: dict[Key, ClientCache] = {}
        for run in self.loops.across:
            around = self.graph.deep_closure(run.module, run.function)
            for coroutine in run.coroutines:
                closure = self.graph.deep_closure(*coroutine)
                for module, function in closure:
                    for fill in self._fills(module, function):
                        key = (module.path, fill.name)
                        if key in found or self._is_emptied(module, fill.name, [*around, *closure]):
                            continue
                        found[key] = ClientCache(fill.name, fill.owner, fill.place, run, fill.function)
        return list(found.values())

    def _fills(self, module: Module, function: Function) -> Iterator[_Fill]:
        """The places of a function where something loop-bound is put into a cache."""
        if any(decorator.chain.rpartition(".")[2] in _CACHES for decorator in function.decorators):
            given = any("loop" in parameter.name for parameter in function.parameters)
            owner = None if function.is_async or given else self._returned(module, function)
            if owner is not None:
                yield _Fill(function.name, owner, module.place(function.span), True)
            return
        caches = self._caches.get(module.path)
        if not caches or self._knows_loop(module, function):
            return
        for assignment in self._assignments.get((module.path, function.qualname), ()):
            name = assignment.target[1:]
            owner = self._owner(module, function, assignment.value) if name in caches else None
            if owner is not None:
                yield _Fill(name, owner, module.place(assignment.value.span), False)
        for call in self.functions.calls(module, function):
            target, _, leaf = call.chain.rpartition(".")
            if leaf in _KEEPING and target[1:] in caches and target[:1] == ":":
                owner = self._owner_given(module, function, call)
                if owner is not None:
                    yield _Fill(target[1:], owner, module.place(call.span), False)

    @once
    def _caches(self) -> dict[str, set[str]]:
        """The containers at module level, by path."""
        found: dict[str, set[str]] = {}
        for module in self.project.product_modules():
            for name, values in module.bindings.items():
                if any(self._is_container(module, value) for value in values):
                    found.setdefault(module.path, set()).add(name)
        return found

    def _is_container(self, module: Module, value: Value) -> bool:
        if value.kind in ("mapping", "sequence"):
            return not value.items
        if value.kind != "call":
            return False
        return self.project.value_entity(module, value).name in CONTAINERS

    @once
    def _assignments(self) -> dict[Key, list[Assignment]]:
        """The items that functions put into containers of their module."""
        found: dict[Key, list[Assignment]] = {}
        for path, caches in self._caches.items():
            for assignment in self.project.modules[path].assignments:
                if assignment.subscript and assignment.function and assignment.target[1:] in caches:
                    found.setdefault((path, assignment.function), []).append(assignment)
        return found

    def _knows_loop(self, module: Module, function: Function) -> bool:
        """Whether a function asks for the running loop, or gets one: then it may keep one object for each."""
        return any(
            self.resources.owners.knows_loop(inner_module, inner)
            for inner_module, inner in self.graph.closure(module, function)
            if inner_module is module
        )

    def _is_emptied(self, module: Module, name: str, functions: list[tuple[Module, Function]]) -> bool:
        """Whether the runner or the coroutine empties the cache."""
        return any(
            call.leaf() in _EMPTYING and call.chain.rpartition(".")[0] == f":{name}"
            for inner_module, inner in functions
            if inner_module is module and inner.mentions(f":{name}.")
            for call in self.functions.calls(inner_module, inner)
        )

    # ------------------------------------------------------------------ what is kept

    def _owner(self, module: Module, function: Function, value: Value) -> str | None:
        entity = self.project.value_entity(module, value)
        if self.resources.is_async_engine(entity) and entity.value is None:
            made = [
                call for call in self.functions.calls(module, function) if f"{call.chain}()" == value.chain
            ]
            whole = function.value_of(made[0]) if len(made) == 1 else None
            entity = entity._replace(value=whole, module=module)
        return self._bound_to_loop(entity)

    def _owner_given(self, module: Module, function: Function, call: Call) -> str | None:
        for given in call.positional:
            chain = given.chain
            if given.kind == "call":
                chain = f"{self.functions.calls(module, function)[given.number].chain}()"
            if not chain:
                continue
            owner = self._bound_to_loop(self.project.resolve(module, chain))
            if owner is not None:
                return owner
        return None

    def _returned(self, module: Module, function: Function) -> str | None:
        """The class of the object that a cached function gives, if that object owns a client."""
        for value in function.returns:
            entity = self.project.value_entity(module, value)
            if entity.kind == "instance":
                return self._bound_to_loop(entity)
        return None

    def _bound_to_loop(self, entity: Entity) -> str | None:
        """What an object is called, if it is or owns something that belongs to one loop."""
        if entity.kind == "external":
            bound = self.resources.is_client(entity) or self.resources.is_pooled_engine(entity)
            return entity.name.removesuffix("()") if bound and entity.name.endswith("()") else None
        class_, module = entity.class_(), entity.module
        if entity.kind != "instance" or class_ is None or module is None:
            return None
        for values in class_.attributes.values():
            for value in values:
                kept = self.project.value_entity(module, value)
                if self.resources.is_client(kept) or self.resources.is_pooled_engine(kept):
                    return class_.name
        return None
