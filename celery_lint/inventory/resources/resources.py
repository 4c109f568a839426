"""Objects that belong to the event loop that first used them: engines, session makers, clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from celery_lint.libraries.sqlalchemy import ASYNC_ENGINES, ASYNC_MAKERS, ASYNC_SESSIONS, SYNC_MAKERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Class, Function, Module, Place, Value
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known

_SESSION_MAKERS = SYNC_MAKERS | ASYNC_MAKERS
# Each of these was tried on two event loops, one after the other: the second fails, or the pool runs dry.
_CLIENTS = frozenset(
    [
        "httpx.AsyncClient()",
        "aiohttp.ClientSession()",
        "aiohttp.client.ClientSession()",
        "openai.AsyncOpenAI()",
        "openai.AsyncAzureOpenAI()",
        "redis.asyncio.Redis()",
        "redis.asyncio.from_url()",
        "redis.asyncio.Redis.from_url()",
        "redis.asyncio.StrictRedis()",
        "redis.asyncio.client.Redis()",
        "redis.asyncio.ConnectionPool()",
        "redis.asyncio.ConnectionPool.from_url()",
        "redis.asyncio.BlockingConnectionPool()",
        "redis.asyncio.BlockingConnectionPool.from_url()",
        "aioredis.from_url()",
        "aioredis.create_redis_pool()",
        "asyncpg.create_pool()",
        "aiomysql.create_pool()",
        "asyncmy.create_pool()",
        "psycopg_pool.AsyncConnectionPool()",
        "motor.motor_asyncio.AsyncIOMotorClient()",
        "pymongo.AsyncMongoClient()",
        "elasticsearch.AsyncElasticsearch()",
        "aio_pika.connect_robust()",
        "aiogram.Bot()",
        "telegram.Bot()",
        "langgraph.checkpoint.postgres.aio.AsyncPostgresSaver()",
    ]
)
#: Words of files that what tasks run coroutines of calls into, and that matter to event loops: (name, leaf).
LOOP_WORDS = frozenset(
    ("from_url" if ".from_url" in name else name[:-2].rpartition(".")[2], name.partition(".")[0])
    for name in _CLIENTS
) | frozenset(
    (kind, "asyncio") for kind in ("Lock", "Semaphore", "BoundedSemaphore", "Event", "Condition", "Queue")
)
# These draw their connections from what they are given.
_BORROWERS = frozenset(
    [
        "redis.asyncio.Redis",
        "redis.asyncio.client.Redis",
        "langgraph.checkpoint.postgres.aio.AsyncPostgresSaver",
    ]
)
_GIVEN = frozenset({"", "bind", "connection_pool", "conn"})
#: Methods that give connections back for good.
RELEASES = frozenset({"dispose", "aclose", "close", "disconnect", "terminate"})
CallsOf = Callable[[Module, Function], list[Call]]
# SQLAlchemy keeps no pooled connection between uses with these.
_POOLLESS = ("NullPool",)
# A connection of aiosqlite belongs to a thread, one of psycopg to the loop that waits for it: both were
# measured to work on one loop after another.
_WITHOUT_A_LOOP = ("sqlite", "postgresql+psycopg:", "postgresql+psycopg_async:")


class Resource(NamedTuple):
    """A loop-bound object that outlives the function using it.

    ``kind`` is ``engine`` or ``client``; ``pooled`` is ``None`` when the options of the engine are hidden.
    """

    kind: str
    name: str
    place: Place
    pooled: bool | None
    key: Key


class Resources:
    """The loop-bound objects of a project, found through whatever name leads to them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self._known: dict[Key, Resource | None] = {}
        self._clients: dict[Key, list[str]] = {}
        self._anew: dict[Key, bool] = {}
        self._used: dict[tuple[str, str, str, int], list[tuple[Resource, Call]]] = {}
        self._released: dict[tuple[str, str, str, int], set[Key]] = {}

    def is_async_engine(self, entity: Entity) -> bool:
        """Whether an entity is an ``AsyncEngine``, wherever it was made."""
        return entity.kind == "external" and entity.name in ASYNC_ENGINES

    def is_pooled_engine(self, entity: Entity) -> bool:
        """Whether an entity is an ``AsyncEngine`` that is seen to keep connections."""
        return self.is_async_engine(entity) and self._pooled(entity) is True

    def of(self, entity: Entity) -> Resource | None:
        """The resource that an entity is or draws its connections from, if it is kept at module level."""
        if entity.kind != "external" or entity.origin is None or self._is_made_anew(entity.origin):
            return None
        if entity.name in ASYNC_ENGINES:
            return self._engine(entity)
        if entity.name in _SESSION_MAKERS:
            return self._sessions(entity)
        path, name = entity.origin
        if self.is_client(entity) and (
            entity.name.endswith("()") or name in self.project.modules[path].bindings
        ):
            return Resource("client", name, self._place(entity), True, entity.origin)
        return None

    def _is_made_anew(self, origin: Key) -> bool:
        """Whether only coroutines bind a module-level name, and do so without asking what it holds."""
        known = self._anew.get(origin)
        if known is None:
            path, name = origin
            module = self.project.modules[path]
            values = [value for value in module.bindings.get(name, ()) if value.kind != "constant"]
            binders = [self.project.functions.around(module, value) for value in values]
            known = self._anew[origin] = bool(values) and all(
                binder is not None and binder.is_async and not _asks_for(binder, name) for binder in binders
            )
        return known

    def is_client(self, entity: Entity) -> bool:
        """Whether an entity is a client, a pool of connections, or a part of one (a database)."""
        if entity.kind != "external":
            return False
        made, _, part = entity.name.partition("()")
        return f"{made}()" in _CLIENTS and "()" not in part

    def used_by(self, module: Module, call: Call) -> Resource | None:
        """The resource that a call uses: called itself, or by one of its methods."""
        chain, method = call.chain, ""
        while chain:
            if chain[:1] in "%~":
                return None
            entity = self.project.resolve(module, chain)
            found = self.of(entity) or self._owned(entity, method)
            if found is not None:
                return found
            if self._is_session(module, chain):
                return self._bound_to(module, call)
            if chain.endswith("()"):
                chain, method = chain[:-2], ""
            else:
                chain, _, method = chain.rpartition(".")
                chain = chain.rstrip(".")
        return None

    def _owned(self, entity: Entity, method: str) -> Resource | None:
        """The client that a method of a module's own object uses: it lives as long as the object."""
        class_, home = entity.class_(), entity.module
        if entity.kind != "instance" or entity.origin is None or class_ is None or home is None:
            return None
        clients = self._clients_of(home, class_)
        if not clients or not method:
            return None
        receiver = f":{class_.qualname}()."
        bodies = [home.functions[name] for name in self._called(home, class_, method)]
        if any(body.mentions(*(f"{receiver}{client}." for client in clients)) for body in bodies):
            return Resource("client", entity.origin[1], self._place(entity), True, entity.origin)
        return None

    def _called(self, home: Module, class_: Class, method: str) -> list[str]:
        """The methods of a class that one of them leads to, itself and those that it calls."""
        first = f"{class_.qualname}.{method}"
        if first not in home.functions:
            return []
        body = home.functions[first]
        others = [name for name in class_.methods if body.may_call(f":{class_.qualname}().{name}")]
        return [first, *(f"{class_.qualname}.{name}" for name in others if name != method)]

    def _clients_of(self, home: Module, class_: Class) -> list[str]:
        """The attributes that hold a client which is made once: with the object, or at its first use."""
        key = (home.path, class_.qualname)
        known = self._clients.get(key)
        if known is None:
            known = self._clients[key] = []
            for name, values in class_.attributes.items():
                made = [value for value in values if value.kind != "constant"]
                if len(made) == 1 and self.is_client(self.project.value_entity(home, made[0])):
                    maker = self.project.functions.around(home, made[0])
                    if maker is None or maker.name == "__init__" or _under_a_condition(maker, made[0]):
                        known.append(name)
        return known

    def _is_session(self, module: Module, chain: str) -> bool:
        entity = self.project.resolve(module, chain)
        return entity.kind == "external" and (entity.name in ASYNC_SESSIONS or entity.name in _BORROWERS)

    def _bound_to(self, module: Module, call: Call) -> Resource | None:
        """The engine of ``AsyncSession(engine)``, the pool of ``Redis(connection_pool=pool)``."""
        for given in call.takes:
            if given.kind == "name" and given.keyword in _GIVEN:
                return self.of(self.project.resolve(module, given.chain))
        return None

    def _place(self, entity: Entity) -> Place:
        assert entity.origin is not None
        path, name = entity.origin
        module = self.project.modules[path]
        values = module.bindings.get(name, ())
        for value in values:
            if value.kind == "call":
                return module.place(value.span)
        if not values and entity.value is not None and entity.module is not None:
            return entity.module.place(entity.value.span)
        return module.place(values[0].span) if values else Place(path, module.functions[""].span)

    def _engine(self, entity: Entity) -> Resource:
        assert entity.origin is not None
        if entity.origin not in self._known:
            self._known[entity.origin] = Resource(
                "engine", entity.origin[1], self._place(entity), self._pooled(entity), entity.origin
            )
        resource = self._known[entity.origin]
        assert resource is not None
        return resource

    def _pooled(self, entity: Entity) -> bool | None:
        value, module = entity.value, entity.module
        if value is None or module is None:
            return None
        poolclass = value.keyword("poolclass")
        if poolclass is not None:
            known = self.project.value_entity(module, poolclass)
            if known.kind != "external":
                return None
            return known.name.rpartition(".")[2] not in _POOLLESS
        if value.open_ended():
            return None
        address = self.project.text(module, value.first())
        return not (address or "").startswith(_WITHOUT_A_LOOP)

    def _sessions(self, entity: Entity) -> Resource | None:
        value, module = entity.value, entity.module
        if value is None or module is None:
            return None
        bind = value.first() or value.keyword("bind")
        if bind is None:
            return None
        engine = self.project.value_entity(module, bind)
        if not self.is_async_engine(engine):
            return None
        if engine.origin is None:
            # An engine that only its session maker knows lives as long as the session maker.
            engine = engine._replace(origin=entity.origin)
        return self._engine(engine)

    def released_by(self, module: Module, call: Call) -> Key | None:
        """What a call gives the connections of back: an engine disposed of, a client closed."""
        if call.leaf() not in RELEASES or call.chain.endswith("()") or call.chain[:1] in "%~":
            return None
        entity = self.project.resolve(module, call.chain.rpartition(".")[0])
        bound = entity.kind == "instance" or self.is_async_engine(entity) or self.is_client(entity)
        return entity.origin if bound else None

    def used_in(self, module: Module, function: Function, calls: CallsOf) -> list[tuple[Resource, Call]]:
        """The resources that a function's own calls use."""
        key = self._now(module, function)
        found = self._used.get(key)
        if found is None:
            found = self._used[key] = []
            for call in calls(module, function):
                resource = self.used_by(module, call)
                if resource is not None and call.leaf() != "dispose":
                    found.append((resource, call))
        return found

    def released_in(self, module: Module, function: Function, calls: CallsOf) -> set[Key]:
        """What a function's own calls give the connections of back, now or by a callback."""
        key = self._now(module, function)
        found = self._released.get(key)
        if found is None:
            found = self._released[key] = set()
            if function.mentions(*RELEASES):
                found.update(self._releases(module, calls(module, function)))
        return found

    def _releases(self, module: Module, calls: Iterable[Call]) -> Iterator[Key]:
        for call in calls:
            released = self.released_by(module, call)
            if released is not None:
                yield released
            for argument in call.takes:
                if argument.leaf == "dispose":  # stack.push_async_callback(engine.dispose)
                    given = self.project.resolve(module, argument.chain.removesuffix(".dispose"))
                    if self.is_async_engine(given) and given.origin is not None:
                        yield given.origin

    def _now(self, module: Module, function: Function) -> tuple[str, str, str, int]:
        """A function, and what answers about it depend on: the mode, and how many modules are known."""
        return module.path, function.qualname, self.project.reading.mode, self.project.modules.count

    def disposed_by(self, module: Module, call: Call) -> Entity | None:
        """The async engine whose ``dispose`` a call is."""
        if call.leaf() != "dispose" or call.chain.endswith("()") or call.chain[:1] in "%~":
            return None
        owner = call.chain.rpartition(".")[0]
        entity = self.project.resolve(module, owner)
        return entity if self.is_async_engine(entity) else None


def _asks_for(function: Function, name: str) -> bool:
    """Whether a function looks at what a name holds before it binds it."""
    return any(
        name in step.loads and (step.kind in ("if", "while") or name in step.stores)
        for step in function.steps()
    )


def _under_a_condition(function: Function, value: Value) -> bool:
    """Whether a function makes a value only if something holds."""
    steps = list(function.steps())
    for step in steps:
        if step.kind == "assign" and step.span.line <= value.span.line <= step.span.end_line:
            while step.parent >= 0:
                step = steps[step.parent]
                if step.kind == "if":
                    return True
    return False
