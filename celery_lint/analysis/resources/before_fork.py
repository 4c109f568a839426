"""What a worker has open when it forks: connections made by imports, engines, clients with threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.analysis.resources.engine_connections import (
    ENGINE_USES,
    LOOKING,
    EngineConnections,
    looks_at,
)
from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.running import UNFORKED, Workers
from celery_lint.libraries.network import CONNECTING_LATER, CONNECTS
from celery_lint.libraries.sqlalchemy import SYNC_ENGINES
from celery_lint.model.calls import Call
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts, once

_CONNECT_LEAVES = frozenset(name.rpartition(".")[2] for name in CONNECTS)
_ENGINE_LEAVES = frozenset({"create_engine", "engine_from_config"})
_AFTER_FORK = "celery.signals.worker_process_init"
_AT_FORK = "register_after_fork"
_LISTENS = ("event.listens_for", "event.listens_for()")
#: Signals that the worker sends before its pool starts.
_BEFORE_FORK = (
    "celery.signals.worker_init",
    "celery.signals.celeryd_init",
    "celery.signals.celeryd_after_setup",
)


class EarlyConnection(NamedTuple):
    """A connection that the import of a module opens, before a worker forks. ``kind`` is ``engine`` where an
    engine keeps it in its pool, else ``connection``.
    """

    module: Module
    call: Call
    name: str
    kind: Literal["engine", "connection"]

    @property
    def place(self) -> Place:
        """The call that connects."""
        return self.module.place(self.call.span)


class EarlyEngine(NamedTuple):
    """A synchronous engine with a pool that connects before the fork, that tasks use and nothing resets.

    ``place`` is where the worker comes to the connection: a call of an import, or a signal handler.
    """

    name: str
    place: Place
    use: Place
    site: Site


class BeforeFork:
    """What the modules of tasks open at import."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.applications = known.of(Applications)
        self.project = known.project
        self.pools = known.of(Pools)
        self.workers = known.of(Workers)
        self.tasks = known.of(Tasks)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.connecting = known.of(EngineConnections)

    @once
    def forking(self) -> bool:
        """Whether a worker of the project may fork."""
        return not self.pools.all.only(*UNFORKED)

    @once
    def _loaded(self) -> list[Module]:
        """The modules that a worker imports before it forks: those of its tasks and applications."""
        tasks = self.tasks
        paths = {task.module.path for task in tasks.all}
        paths.update(app.module.path for app in self.applications.by_origin.values())
        return [self.project.modules[path] for path in sorted(filter(self.project.modules.is_product, paths))]

    @once
    def _imported(self) -> list[Module]:
        """The modules that these import when they are imported themselves, as far as they are read."""
        line = [*self._loaded]
        seen = {module.path for module in line}
        for module in line:  # which grows meanwhile
            for dotted in module.imports.values():
                located = self.project.imports.locate(dotted, module.path)
                imported = self.project.modules.find(located.path) if located is not None else None
                if (
                    imported is not None
                    and imported.path not in seen
                    and self.project.modules.is_product(imported.path)
                ):
                    seen.add(imported.path)
                    line.append(imported)
        return line

    # ------------------------------------------------------------------ connections

    @facts
    def connections(self) -> list[EarlyConnection]:
        """The connections that modules of tasks and applications open."""
        if not self.forking:
            return []
        found: list[EarlyConnection] = []
        for module in self._loaded:
            top = module.functions.get("")
            for call in self.functions.calls(module, top) if top is not None else ():
                if not (call.in_main or call.in_lambda) and call.chain[:1] not in "%~":
                    found.extend(self._connection(module, call))
        return found

    def explore(self) -> None:
        """Follow the chains of imports that connect: engine and schema are at home in other modules."""
        for module in self._imported:
            top = module.functions.get("")
            if top is None or not top.may_call(*LOOKING, *ENGINE_USES):
                continue
            for call in self.functions.calls(module, top):
                if call.leaf() in ENGINE_USES and "." in call.chain and call.chain[:1] not in "%~":
                    self.project.resolve(module, call.chain.rpartition(".")[0])
                elif (given := looks_at(call)) is not None and call.chain[:1] not in "%~":
                    self.project.resolve(module, call.chain)
                    self.project.resolve(module, given.chain)

    def _connection(self, module: Module, call: Call) -> Iterator[EarlyConnection]:
        leaf = call.leaf()
        if leaf in _CONNECT_LEAVES and call.chain[:1] != ":":
            name = self.sites.name(module, call.chain)
            if name in CONNECTS and self._kept(module, call, name):
                yield EarlyConnection(module, call, name, "connection")
                return
        engine = self.connecting.connected(module, call)
        if engine is not None and self._pooled(engine) and not self._disposed(engine):
            yield EarlyConnection(module, call, engine.origin[1] if engine.origin else "", "engine")

    def _kept(self, module: Module, call: Call, name: str) -> bool:
        """Whether the connection has a name that functions of the module use, and stays open."""
        if call.is_context_manager or (name in CONNECTING_LATER and not call.takes):
            return False
        names = [
            name
            for name, values in module.bindings.items()
            if any(value.span.start == call.span.start for value in values)
        ]
        if len(names) != 1:
            return False
        method = f":{names[0]}."
        top = module.functions[""]
        if any(other.chain == f"{method}close" for other in self.functions.calls(module, top)):
            return False
        return any(
            function.name and (function.mentions(method) or function.hands_on(f":{names[0]}"))
            for function in module.functions.holding(f":{names[0]}")
        )

    # ------------------------------------------------------------------ engines

    def _pooled(self, engine: Entity) -> bool:
        """Whether an entity is a synchronous engine at module level that keeps its connections."""
        if engine.name not in SYNC_ENGINES or engine.origin is None:
            return False
        value, module = engine.value, engine.module
        options = self._options(value, module) if value is not None and module is not None else None
        if value is None or module is None or options is None:
            return False
        for name, owner, option in options:
            if name == "poolclass":
                given = self.project.value_entity(owner, option)
                if given.kind != "external" or given.name.endswith("NullPool"):
                    return False
            elif name == "connect_args" and option.keyword("check_same_thread") is not None:
                return False  # only SQLite knows that
        address = self.project.text(module, value.first())
        return not (address or "").startswith("sqlite")

    def _options(self, value: Value, module: Module) -> list[tuple[str, Module, Value]] | None:
        """The options of an engine, also those of dictionaries that are written down; ``None`` for others."""
        found: list[tuple[str, Module, Value]] = []
        for name, option in value.keywords:
            if name != "**":
                found.append((name, module, option))
                continue
            mappings = self._mappings(module, option)
            if not mappings:
                return None
            for owner, mapping in mappings:
                if mapping.kind != "mapping" or any(key in ("**", "?") for key, _ in mapping.keywords):
                    return None
                found += [(key, owner, item) for key, item in mapping.keywords]
        return found if not any(name == "*" for name, _, _ in found) else None

    def _mappings(self, module: Module, option: Value) -> list[tuple[Module, Value]]:
        """The dictionaries that an option may be: one that nobody changes, or what a function returns."""
        if option.kind == "name":
            top, chain = module.functions[""], option.chain
            changed = any(each.target == chain and each.subscript for each in module.assignments)
            bound = module.bindings.get(chain[1:], ())
            if (
                chain[:1] != ":"
                or changed
                or len(bound) != 1
                or top.may_call(f"{chain}.update", f"{chain}.setdefault")
            ):
                return []
            option = bound[0]
        if option.kind != "call":
            return [(module, option)]
        made = self.project.resolve(module, option.chain)
        function = made.function()
        if function is None or made.module is None or function.is_async or function.decorators:
            return []
        return [(made.module, each) for each in function.returns]

    def _disposed(self, engine: Entity) -> bool:
        """Whether any code of the product disposes of the engine, at import or after a fork."""
        if engine.origin in self._disposals or self.hooked:
            return True
        return self._asks_for_the_process and not (engine.value and engine.value.keyword("pool_pre_ping"))

    @once
    def _asks_for_the_process(self) -> bool:
        """Whether the product has the recipe of SQLAlchemy that gives up connections of another process.

        A pool with ``pool_pre_ping`` talks to the server before it is asked.
        """
        for module, function in self.project.holding("getpid"):
            if any(decorator.chain.endswith(_LISTENS) for decorator in function.decorators):
                return True
            calls = self.functions.calls(module, module.functions[""])
            if any(c.leaf() == "listen" and c.argument(2).chain == f":{function.name}" for c in calls):
                return True  # ``event.listen(engine, "checkout", check_process)``
        return False

    @once
    def _disposals(self) -> set[Key]:
        found = set()
        for module, function in self.project.holding("dispose", _AT_FORK):
            for call in self.functions.calls(module, function):
                words = [call.chain, *(given.chain for given in call.takes)]
                if call.leaf() == _AT_FORK:  # ``register_after_fork(engine, Engine.dispose)``
                    words.append(f"{call.argument(0).chain}.dispose")
                for chain in words:
                    if chain.endswith(".dispose"):
                        engine = self.connecting.entity(module, chain.removesuffix(".dispose"))
                        if engine is not None and engine.origin is not None:
                            found.add(engine.origin)
        return found

    @once
    def hooked(self) -> bool:
        """Whether the project does something of its own in every process that was forked."""
        if any(self.project.holding(_AFTER_FORK, "register_at_fork")):
            return True
        for module in self.project.product_modules():
            for function in module.functions.decorated():
                if any(decorator.chain.startswith(_AFTER_FORK) for decorator in function.decorators):
                    calls = self.functions.calls(module, function)
                    if not calls or not all("log" in call.chain.lower() for call in calls):
                        return True  # what only sets up a log renews nothing
        return False

    @facts
    def engines(self) -> list[EarlyEngine]:
        """The engines of modules that tasks use and that connect before the fork, once each."""
        if not self.forking or not any(self.project.calling(*_ENGINE_LEAVES)) or self.hooked:
            return []
        direct = {connection.name for connection in self.connections if connection.kind == "engine"}
        found: dict[Key, EarlyEngine] = {}
        for site in self.sites.all:
            for call in self.sites.made(site):
                engine = self.connecting.used(site.module, call)
                if engine is None or engine.origin is None or engine.origin in found:
                    continue
                if not self._pooled(engine) or self._disposed(engine) or engine.origin[1] in direct:
                    continue
                early = self._early.get(engine.origin)
                if early is not None and self.sites.forks(site.tasks):
                    use = site.module.place(call.span)
                    found[engine.origin] = EarlyEngine(self._told(engine, engine.origin), early, use, site)
        return sorted(found.values(), key=lambda engine: engine.place)

    def _told(self, engine: Entity, keeper: Key) -> str:
        """What an engine is called: with its attribute, where an object of a module has it."""
        path, name = keeper
        holder = self.project.member(self.project.modules[path], name)
        class_ = holder.class_()
        for attribute, values in class_.attributes.items() if class_ is not None else ():
            if any(value is engine.value for value in values):
                return f"{name}.{attribute}"
        return name

    @once
    def _early(self) -> dict[Key, Place]:
        """The engines that connect in the worker before it forks, and where that begins."""
        found: dict[Key, Place] = {}
        modules = {module.path: module for module in self._imported}
        for module in self.project.product_modules():
            if any(
                value.chain.rpartition(".")[2] in _ENGINE_LEAVES
                for values in module.bindings.values()
                for value in values
            ):
                modules[module.path] = module
            for function in module.functions.decorated():
                if any(decorator.chain.startswith(_BEFORE_FORK) for decorator in function.decorators):
                    place = module.place(function.span)
                    for origin in self.connecting.engines_in(module, function):
                        found.setdefault(origin, place)
        for module in modules.values():
            top = module.functions.get("")
            for call in self.functions.calls(module, top) if top is not None else ():
                if call.in_main or call.in_lambda or call.is_decorator or call.chain[:1] in "%~":
                    continue
                place = module.place(call.span)
                engine = self.connecting.connected(module, call)
                if engine is not None and engine.origin is not None:
                    found.setdefault(engine.origin, place)
                target = self.graph.target(module, call.chain)
                if target is not None and not target[1].is_generator:
                    for origin in (
                        *self.connecting.engines_in(*target),
                        *self.connecting.engines_given(module, call),
                    ):
                        found.setdefault(origin, place)
        return found
