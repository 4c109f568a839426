"""Engines that a run of a task makes for itself, and leaves behind with their connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.analysis.resources.session_flow import HARMLESS, SessionFlow, UnclosedSession
from celery_lint.inventory.code.graph import LAYERS, CallGraph
from celery_lint.inventory.resources.sessions import Sessions, is_context_manager
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.sqlalchemy import CONNECTING, ENGINE_MAKERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts, once

_WORDS = ("create_engine", "create_async_engine", "engine_from_config")
_POOLS = frozenset({"QueuePool", "AsyncAdaptedQueuePool"})
# Databases without a server that counts connections.
_LOCAL = ("sqlite", "duckdb", "bigquery", "awsathena")
_SESSION_MAKERS = frozenset({"sessionmaker", "async_sessionmaker", "scoped_session", "async_scoped_session"})
_SESSIONS = frozenset({"Session", "AsyncSession"})
# `Session(engine)`, `sessionmaker(engine)()`
_MADE_HERE = _SESSIONS | {f"{maker}()" for maker in _SESSION_MAKERS}
# These use an engine and do not keep it.
_BORROWERS = ("sqlalchemy.", "sqlmodel.", "pandas.", "geopandas.", "polars.", "logging.")


class LeftEngine(NamedTuple):
    """An engine that every run makes and nobody disposes of.

    ``made`` is the call of ``create_engine`` where that stands in another function than ``place``, ``owner``
    the function of ``place``.
    """

    place: Place
    made: Place | None
    owner: Key
    tasks: tuple[Task, ...]


class LeftEngines(NamedTuple):
    """One place that leaves engines open, and the calls that lead to it: one edit there mends them all.

    ``place`` is the only call that takes the engine, or where several do, the call that makes it.
    """

    place: Place
    calls: tuple[LeftEngine, ...]


class _Made(NamedTuple):
    """A call that gives a new engine (``kind`` ``engine``), or what holds one: ``maker``, ``session``."""

    kind: str
    call: Call
    source: Place


class EnginesPerTask:
    """The engines made in functions that tasks run."""

    def __init__(self, known: Known) -> None:
        self.session_flow = known.of(SessionFlow)
        self.sessions = known.of(Sessions)
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.tasks = known.of(Tasks)
        self.functions = known.project.functions
        self._given: dict[Key, _Made | None] = {}

    @facts
    def unclosed_sessions(self) -> list[UnclosedSession]:
        """The sessions left open, but for those of functions that leave an engine behind as well."""
        left = {engine.owner for engine in self._left}
        return [session for session in self.session_flow.unclosed if session.owner not in left]

    @facts
    def left(self) -> list[LeftEngines]:
        """The places that leave engines open, once each, however many functions get theirs there."""
        by_source: dict[Place, list[LeftEngine]] = {}
        for engine in self._left:
            by_source.setdefault(engine.made or engine.place, []).append(engine)
        return [
            LeftEngines(source if len(calls) > 1 else calls[0].place, tuple(calls))
            for source, calls in by_source.items()
        ]

    @once
    def _left(self) -> list[LeftEngine]:
        """The engines that are left open, once for each call that makes or takes one."""
        found = []
        for module, function, tasks in self.sessions.reached:
            known = self.tasks.by_function
            is_task = (module.path, function.qualname) in known
            if function.decorators and not is_task and not is_context_manager(function):
                continue  # a cache, a singleton, a handler: who knows how often it runs
            for made in self._made_in(module, function):
                fate = _Fate(self, module, function, made)
                if fate.is_left():
                    place = module.place(made.call.span)
                    source = made.source if made.source != place else None
                    owner = module.path, function.qualname
                    found.append(LeftEngine(place, source, owner, tasks))
        return found

    def _made_in(self, module: Module, function: Function, depth: int = LAYERS) -> Iterator[_Made]:
        """The calls of a function that give it a new engine, or something with one."""
        direct = function.mentions(*_WORDS)
        for call in self.functions.calls(module, function):
            if direct and call.leaf() in _WORDS:
                entity = self.project.resolve(module, call.chain)
                if entity.name in ENGINE_MAKERS and self._keeps_connections(module, call):
                    yield _Made("engine", call, module.place(call.span))
                    continue
            if depth and call.chain[:1] != "%":
                target = self.project.resolve(module, call.chain)
                inner = target.function()
                if inner is not None and target.module is not None and inner is not function:
                    given = self._handed_out(target.module, inner, depth - 1)
                    if given is not None:
                        yield given._replace(call=call)

    def _handed_out(self, module: Module, function: Function, depth: int) -> _Made | None:
        """What holds a new engine in the value that a function returns, at every call."""
        key = (module.path, function.qualname)
        if key not in self._given:
            self._given[key] = None
            if not function.decorators and not function.is_generator:
                for made in self._made_in(module, function, depth):
                    kind = _Fate(self, module, function, made).returned()
                    if kind:
                        self._given[key] = made._replace(kind=kind)
        return self._given[key]

    def _keeps_connections(self, module: Module, call: Call) -> bool:
        """Whether the engine is known to keep pooled connections to a server."""
        if call.is_open_ended or call.keyword("pool") or call.keyword("creator"):
            return False
        given = call.keyword("poolclass")
        if given and self.project.resolve(module, given.chain).name.rpartition(".")[2] not in _POOLS:
            return False
        address = call.argument(0, "url")
        text: str | None = address.text
        if address.kind == "name":
            text = self.project.text(module, Value("name", call.span, None, address.chain))
        return not (text or "").startswith(_LOCAL)


class _Fate:
    """What becomes of one new engine in the function that made or took it."""

    def __init__(self, engines: EnginesPerTask, module: Module, function: Function, made: _Made) -> None:
        self.engines = engines
        self.project = engines.project
        self.module = module
        self.function = function
        self.flow = engines.sessions.functions.of(module, function)
        self.calls = engines.functions.calls(module, function)
        self.made = made
        #: The names that hold the engine or something on it: ``engine``, ``maker`` or ``session``.
        self.names: dict[str, str] = {}
        self.chains: dict[str, str] = {}
        #: Whether anything opened a connection: a session that never queries has none.
        self.used = False
        self.unknown = False
        self.given_back = ""
        self._follow()

    def is_left(self) -> bool:
        """Whether the function ends, and the engine with its connections is nobody's."""
        return self.used and not self.unknown and not self.given_back

    def returned(self) -> str:
        """What the function returns, if that holds the engine."""
        return "" if self.unknown else self.given_back

    def _follow(self) -> None:
        if self.function.mentions("dispose"):
            self.unknown = True
            return
        step = self.flow.step_of(self.made.call)
        if step is None or not self._begin(step):
            self.unknown = True
            return
        for later in self.flow.steps[step.number + 1 :]:
            if not self.names.keys().isdisjoint(later.loads) or not self.names.keys().isdisjoint(
                later.stores
            ):
                self._meet(later)
            if self.unknown:
                return

    def _begin(self, step: Step) -> bool:
        """Where the new engine goes in its own statement; false if that cannot be seen."""
        call, kind = self.made.call, self.made.kind
        chain = f"{call.chain}()"
        if call.parent >= 0:
            outer = self.calls[call.parent]
            if not self._borrowed(outer):
                return False
            chain, kind = f"{outer.chain}()", self._kind_of(outer)
            if not kind:  # `read_sql(query, create_engine(url))`
                self.used = True
                return step.kind in ("assign", "expr", "return", "with")
        return self._bind(step, chain, kind)

    def _bind(self, step: Step, chain: str, kind: str) -> bool:
        value = step.value
        if step.kind == "with":
            self.used = kind == "engine"
            for item in step.chains:
                bound, _, name = item.rpartition("=")
                if bound.startswith(chain) and name:
                    self._name(name, bound, "session")
            return True
        if value.startswith(f"{chain}.") or value == f"{chain}()":
            leaf = value.removesuffix("()").rpartition(".")[2]
            if kind == "engine" and leaf not in CONNECTING:
                return False
            self.used = True
            chain, kind = value, "session" if value.count(".") <= chain.count(".") + 1 else ""
        elif value != chain:
            return False
        if step.kind == "return":
            self.given_back = kind
            return True
        if step.kind == "expr":
            return True
        if step.kind != "assign" or len(step.stores) != 1:
            return False
        name = step.name
        for other in self.flow.steps:
            if name in other.stores and other is not step and other.chains != ("#None",):
                return False  # a global name, or another engine in another case
        if kind:
            self._name(name, chain, kind)
        return True

    def _name(self, name: str, chain: str, kind: str) -> None:
        self.names[name] = kind
        self.chains[chain] = kind

    def _meet(self, step: Step) -> None:
        """A later statement that reads or binds one of the names."""
        held = {name: self.names[name] for name in step.loads if name in self.names}
        value = step.value
        self.used |= self._works(step, held)
        if step.kind in ("def", "class", "global"):
            self.unknown = set(held.values()) != {"session"}
        elif step.yields:
            self.unknown = "engine" in held.values() or "maker" in held.values()
        elif step.kind == "return":
            self._return(step, value, held)
        elif step.kind in ("assign", "augment", "expr", "with", "for", "if", "while", "assert", "raise"):
            self._use(step, value, held)
        else:
            self.unknown = bool(held)

    def _works(self, step: Step, held: dict[str, str]) -> bool:
        """Whether a statement has a session talk to the database, or lets another function do so."""
        if "session" in held.values() and (step.yields or step.kind == "def"):
            return True
        return any(
            self.chains.get(call.chain.rpartition(".")[0]) == "session" and call.leaf() not in HARMLESS
            for call in map(self.calls.__getitem__, step.calls)
        )

    def _return(self, step: Step, value: str, held: dict[str, str]) -> None:
        if value in self.chains:
            self.given_back = self.chains[value]
            return
        if value.removesuffix("()") in self.chains:
            self.given_back = "session"
            return
        for number in step.calls:
            call = self.calls[number]
            if self.chains.keys() & set(_given(call)):
                kind = self._kind_of(call)
                if kind and value == f"{call.chain}()":
                    self.given_back = kind
                    return
                if not self._borrowed(call):
                    self.unknown = True
                    return
                self.used = True
        if value in ("(", "?", "[", "{"):
            self.unknown = bool({"engine", "maker"} & set(held.values())) or value == "("

    def _use(self, step: Step, value: str, held: dict[str, str]) -> None:
        met = False
        for number in step.calls:
            call = self.calls[number]
            receiver = call.chain.rpartition(".")[0]
            kind = self.chains.get(receiver) or self.chains.get(call.chain)
            taken = {self.chains[chain] for chain in _given(call) if chain in self.chains}
            if taken and not self._borrowed(call, "session" if taken == {"session"} else "engine"):
                self.unknown = True
                return
            if taken and call.leaf() == "configure":
                self._configured(step, receiver)
            met |= bool(taken) or kind is not None
            passive = call.leaf() == "configure" or self._kind_of(call)
            self.used |= (bool(taken) and not passive) or (kind == "engine" and call.leaf() in CONNECTING)
        to_sql = value.endswith(".to_sql()")
        self.used |= to_sql
        if set(held.values()) - {"session"} and not met and not to_sql and step.kind != "if":
            self.unknown = True
        elif step.kind == "assign":
            self._assigned(step, value)
        elif step.kind == "with":
            for item in step.chains:
                bound, _, name = item.rpartition("=")
                if bound and name:
                    self._name(name, bound, "session")

    def _configured(self, step: Step, receiver: str) -> None:
        """``maker.configure(bind=engine)``."""
        for name in step.loads:
            if name not in self.names:
                self._name(name, receiver, "maker")

    def _assigned(self, step: Step, value: str) -> None:
        if len(step.stores) != 1:
            self.unknown = not step.stores and value in self.chains
            return
        name, callee = step.name, value.removesuffix("()")
        leaf = callee.rpartition(".")[2]
        if name in self.names or value in self.chains:
            self.unknown = True  # bound again, or known by two names
        elif leaf in _SESSION_MAKERS:
            self._name(name, value, "maker")
        elif callee in self.chains or leaf in _MADE_HERE or self._connects(callee):
            self._name(name, value, "session")

    def _connects(self, callee: str) -> bool:
        owner, _, leaf = callee.rpartition(".")
        return self.chains.get(owner) == "engine" and leaf in CONNECTING

    def _kind_of(self, call: Call) -> str:
        """What a call makes that takes the engine."""
        name = self.project.resolve(self.module, call.chain).name
        if not name.startswith(("sqlalchemy.", "sqlmodel.")):
            return ""
        leaf = name.rpartition(".")[2]
        return "maker" if leaf in _SESSION_MAKERS else "session" if leaf in _SESSIONS else ""

    def _borrowed(self, call: Call, kind: str = "engine") -> bool:
        """Whether a call takes the engine, or a session on it, and keeps or ends neither."""
        entity = self.project.resolve(self.module, call.chain)
        function = entity.function()
        if function is not None and entity.module is not None:
            closure = self.engines.graph.deep_closure(entity.module, function)
            if any(inner.mentions("dispose") for _, inner in closure):
                return False
            return kind == "session" or not any(
                step.kind == "assign" and not step.stores
                for inner_module, inner in closure
                for step in self.engines.sessions.functions.of(inner_module, inner).steps
            )
        if entity.kind == "external":
            return entity.name.startswith(_BORROWERS)
        return (
            kind == "session" or call.chain.rpartition(".")[0] in self.chains or call.leaf() == "create_all"
        )


def _given(call: Call) -> Iterable[str]:
    """The chains that a call takes as arguments."""
    return [given.chain for given in call.takes if given.kind == "name"]
