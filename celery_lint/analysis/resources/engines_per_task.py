"""Engines and clients that a run of a task makes for itself, and leaves behind with their connections."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.client_fates import ClientFate
from celery_lint.analysis.resources.engine_fates import EngineFate, Made
from celery_lint.analysis.resources.sessions.session_flow import SessionFlow, UnclosedSession
from celery_lint.inventory.code.called import behind
from celery_lint.inventory.code.graph import LAYERS
from celery_lint.inventory.resources.sessions import Sessions, is_context_manager
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.clients import BORROWERS, GIVEN_BY, LEFT_OPEN, RELEASES
from celery_lint.libraries.sqlalchemy import ENGINE_MAKERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts, once

_ENGINES = frozenset({"create_engine", "create_async_engine", "engine_from_config"})
_CLIENTS = frozenset(name.removesuffix("()").rpartition(".")[2] for name in LEFT_OPEN)
_WORDS = (*_ENGINES, *_CLIENTS)
_POOLS = frozenset({"QueuePool", "AsyncAdaptedQueuePool"})
# Methods of a class whose objects somebody else may keep or end.
_LIVING = frozenset({"__new__", "__exit__", "__aexit__", "__call__"})
# Databases without a server that counts connections.
_LOCAL = ("sqlite", "duckdb", "bigquery", "awsathena")


class LeftEngine(NamedTuple):
    """An engine or client (``is_client``) that every run makes and nobody ends.

    ``made`` is the call of ``create_engine`` where that stands in another function than ``place``, ``owner``
    the function of ``place``.
    """

    is_client: bool
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


class EnginesPerTask:
    """The engines made in functions that tasks run."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.session_flow = known.of(SessionFlow)
        self.sessions = known.of(Sessions)
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.functions = known.project.functions
        self._given: dict[Key, Made | None] = {}

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
        """What is left open, once for each call that makes or takes it."""
        found: list[LeftEngine] = []
        reached = self.sessions.everything
        if not any(function.mentions(*_WORDS) for _, function, _ in reached):
            return []
        for module, function, tasks in reached:
            known = self.tasks.by_function
            is_task = (module.path, function.qualname) in known
            if function.decorators and not is_task and not is_context_manager(function):
                continue  # a cache, a singleton, a handler: who knows how often it runs
            for made in self._made_in(module, function):
                if self._fate(module, function, made).is_left():
                    place = module.place(made.call.span)
                    source = made.source if made.source != place else None
                    owner = module.path, function.qualname
                    found.append(LeftEngine(made.kind == "client", place, source, owner, tasks))
        return found

    def _fate(self, module: Module, function: Function, made: Made) -> EngineFate | ClientFate:
        fate = ClientFate if made.kind == "client" else EngineFate
        return fate(self.known, module, function, made)

    def _made_in(self, module: Module, function: Function, depth: int = LAYERS) -> Iterator[Made]:
        """The calls of a function that give it a new engine or client, or something with one."""
        direct = function.mentions(*_WORDS)
        for call in self.functions.calls(module, function):
            if direct and call.leaf() in _WORDS:
                entity = self.project.resolve(module, call.chain)
                is_client = f"{entity.name}()" in LEFT_OPEN and not _draws(entity.name, call)
                if is_client or (entity.name in ENGINE_MAKERS and self._keeps_connections(module, call)):
                    yield Made("client" if is_client else "engine", call, module.place(call.span))
                    continue
            if depth and call.chain[:1] != "%":
                entity = self.project.resolve(module, call.chain)
                target = behind(self.project, entity)
                if entity.kind == "class" and (target is None or target.function.owner != entity.name):
                    continue  # another class makes it, and this one may end it
                if target is not None and target.function is not function:
                    given = self._handed_out(target.module, target.function, depth - 1)
                    if given is not None:
                        yield given._replace(call=call)

    def _handed_out(self, module: Module, function: Function, depth: int) -> Made | None:
        """What holds a new engine or client in the value that a function returns, at every call."""
        key = (module.path, function.qualname)
        if key not in self._given:
            self._given[key] = None
            if function.name == "__init__":
                self._given[key] = self._owned(module, function, depth)
            elif not function.decorators and not function.is_generator:
                for made in self._made_in(module, function, depth):
                    kind = self._fate(module, function, made).returned()
                    if kind:
                        self._given[key] = made._replace(kind=kind)
        return self._given[key]

    def _owned(self, module: Module, maker: Function, depth: int) -> Made | None:
        """The client that a new object has in an attribute, of a class that never ends it."""
        if not maker.mentions(*_CLIENTS):
            return None
        class_ = module.classes.get(maker.owner)
        itself = f":{maker.owner}()"
        if class_ is None or class_.decorators or maker.hands_on(itself):
            return None
        for base in self.project.bases(Entity("class", class_.qualname, module)):
            body, home = base.class_(), base.module
            if body is None or home is None:
                if base.name == "builtins.object":
                    continue
                return None
            methods = [home.functions.get(f"{body.qualname}.{name}") for name in body.methods]
            if any(method is None or method.mentions(*RELEASES) for method in methods):
                return None
            if not _LIVING.isdisjoint(body.methods):
                return None
        for made in self._made_in(module, maker, depth):
            values = [value for held in class_.attributes.values() for value in held]
            if made.kind == "client" and any(value.span == made.call.span for value in values):
                return made
        return None

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


def _draws(name: str, call: Call) -> bool:
    """Whether a client gets a pool, and has no connections of its own: `Redis(connection_pool=pool)`."""
    return name in BORROWERS and any(given.keyword in GIVEN_BY and given.keyword for given in call.takes)
