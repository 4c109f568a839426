"""Objects that belong to the event loop that first used them: engines, session makers, clients."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Literal, NamedTuple

from celery_lint.inventory.resources.bound import SESSION_MAKERS, Bound
from celery_lint.inventory.resources.owners import NAMESPACES, Owned, Owners, is_asked_first
from celery_lint.libraries.clients import BORROWERS, GIVEN_BY, OWNERS, RELEASES
from celery_lint.libraries.sqlalchemy import ASYNC_SESSIONS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Class, Function, Module, Place, Value
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known

CallsOf = Callable[[Module, Function], list[Call]]
# What draws its connections from an engine or a pool that it is given when it is called.
_DRAWING = ASYNC_SESSIONS | BORROWERS | {maker.removesuffix("()") for maker in SESSION_MAKERS}
_DRAWN = {f"{name}()" for name in ASYNC_SESSIONS | BORROWERS}


class Resource(NamedTuple):
    """A loop-bound object that outlives the function using it.

    ``kind`` is ``engine`` or ``client``; ``pooled`` is ``None`` when the options of the engine are hidden.
    ``owners`` are the class of the object that has it in an attribute, and its bases. ``made`` is what makes
    it, in which module, where that is not what its name is bound to.
    """

    kind: Literal["engine", "client"]
    name: str
    place: Place
    pooled: bool | None
    key: Key
    owners: tuple[Key, ...] = ()
    made: tuple[tuple[Module, Value], ...] = ()

    @property
    def cause(self) -> Hashable:
        """What must be edited: its name; or what makes it, where a class does so for each of its objects."""
        return (self.made[0][0].path, self.made[0][1].span) if self.made else self.key

    def is_among(self, released: set[Key]) -> bool:
        """Whether its connections were given back: by its name, or by a method of the object that has it."""
        return self.key in released or not released.isdisjoint(self.owners)


class Resources:
    """The loop-bound objects of a project, found through whatever name leads to them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.bound = known.of(Bound)
        self.owners = known.of(Owners)
        self._known: dict[Key, Resource] = {}
        self._anew: dict[Key, bool] = {}
        self._used: dict[tuple[str, str, str, int], list[tuple[Resource, Call]]] = {}
        self._released: dict[tuple[str, str, str, int], set[Key]] = {}
        #: What is asked about single objects.
        self.is_client, self.is_async_engine = self.bound.is_client, self.bound.is_async_engine

    def is_pooled_engine(self, entity: Entity) -> bool:
        """Whether an entity is an ``AsyncEngine`` that is seen to keep connections."""
        return self.is_async_engine(entity) and self.bound.pooled(entity) is True

    def of(self, entity: Entity) -> Resource | None:
        """The resource that an entity is or draws its connections from, if a module keeps it."""
        if entity.kind != "external":
            return None
        if entity.name in _DRAWN and entity.value is not None and entity.module is not None:
            for name, value in (("", entity.value.first()), *entity.value.keywords):
                if value is not None and name in GIVEN_BY:
                    found = self.of(self.project.value_entity(entity.module, value))
                    if found is not None:
                        return found
        origin = entity.origin
        if origin is None and entity.name in SESSION_MAKERS:
            engine = self.bound.engine_of(entity)  # made at each call, for an engine that is kept
            return self.of(engine) if engine is not None else None
        if origin is None or self._is_made_anew(origin):
            return None
        if entity.name in SESSION_MAKERS or self.is_async_engine(entity):
            return self._engine(entity, origin)
        if entity.name.startswith(NAMESPACES):
            return self._set_from_outside(origin, entity.name.partition("().")[2].partition(".")[0])
        path, name = origin
        if not self.is_client(entity):
            return None
        whole = self._whole(entity, self.project.modules[path], name)
        if whole is None:
            return None
        if whole.kind == "external" and not self.is_client(whole):
            return None  # a part of what is none: its arguments say so
        made: tuple[tuple[Module, Value], ...] = ()
        if whole.kind == "instance":
            if entity.value is None or entity.module is None:
                return None  # a member of what an attribute holds: that is asked for next
            maker = self.project.functions.around(entity.module, entity.value)
            if maker is not None and self.owners.knows_loop(entity.module, maker):
                return None
            made = ((entity.module, entity.value),)
        known = entity if entity.value is not None else whole._replace(origin=origin)
        return Resource("client", name, self._place(known), True, origin, made=made)

    def _whole(self, entity: Entity, module: Module, name: str) -> Entity | None:
        """What a client is a part of, as its name is bound: to a name of a module, or of a class."""
        if name in module.bindings:
            return self.project.member(module, name)
        owner, _, attribute = name.rpartition(".")
        if owner in module.classes:
            return self.project.attribute(Entity("class", owner, module), attribute)
        return entity if entity.name.endswith("()") else None

    def _set_from_outside(self, origin: Key, attribute: str) -> Resource | None:
        """What a function has put into an attribute of something that a module keeps."""
        attribute = attribute.rstrip("()[]")
        owned = self.owners.set_from_outside.get((*origin, attribute)) if attribute else None
        if owned is None:
            return None
        place = owned.module.place(owned.value.span)
        made = ((owned.module, owned.value),)
        key = origin[0], f"{origin[1]}.{attribute}"
        return Resource(owned.kind, attribute, place, owned.pooled, key, made=made)

    def _is_made_anew(self, origin: Key) -> bool:
        """Whether the functions that bind a module-level name do so for the loop that runs.

        They ask for it, or they are coroutines that bind the name without asking what it holds. What only
        tests hand in (``def set_client(client): …``) does not count.
        """
        known = self._anew.get(origin)
        if known is None:
            path, name = origin
            module = self.project.modules[path]
            owner, _, attribute = name.rpartition(".")
            class_ = module.classes.get(owner)
            bound = module.bindings.get(name, ()) if class_ is None else class_.attributes.get(attribute, ())
            values = [v for v in bound if v.kind != "constant" and not self._is_for_tests(module, v)]
            known = self._anew[origin] = bool(values) and all(
                binder is not None
                and (
                    (
                        binder.is_async
                        and not _asks_for(binder, name)
                        and not (class_ is not None and is_asked_first(binder, value))
                    )
                    or self.owners.knows_loop(module, binder)
                )
                for value, binder in [(v, self.project.functions.around(module, v)) for v in values]
            )
        return known

    def _is_for_tests(self, module: Module, value: Value) -> bool:
        """Whether a value is what a function is given that nothing of the product calls."""
        function = self.project.functions.around(module, value) if value.chain[:1] in ("%", "~") else None
        handed = function is not None and function.takes(value.chain[1:])
        return handed and function is not None and next(self.project.calling(function.name), None) is None

    def used_by(self, module: Module, call: Call, calls: list[Call] | None = None) -> Resource | None:
        """The resource that a call uses: called itself, or by one of its methods.

        ``calls`` are all calls of its function: what one of them gives may be an argument.
        """
        chain, method = call.chain, ""
        while chain:
            if chain[:1] in "%~":
                return None
            entity = self.project.resolve(module, chain)
            found = self.of(entity) or self._owned(entity, method) or self._own(module, entity, chain)
            if found is not None:
                return found if self._is_meant(entity, call) else None
            if entity.kind == "external" and entity.name in _DRAWING:
                return self._bound_to(module, call, calls)
            if chain.endswith("()"):
                chain, method = chain[:-2], ""
            else:
                chain, _, method = chain.rpartition(".")
                chain = chain.rstrip(".")
        return None

    def _is_meant(self, entity: Entity, call: Call) -> bool:
        """Whether a call is one of those that need the loop, where an object has others too."""
        made = entity.name.partition("()")[0]
        if entity.kind != "external" or f"{made}()" not in OWNERS:
            return True
        return call.leaf() != "run_sync" if made.startswith("pydantic_ai") else call.leaf().startswith("a")

    def _owned(self, entity: Entity, member: str) -> Resource | None:
        """What a member of an object uses that a module keeps: it lives as long as the object."""
        class_, home = entity.class_(), entity.module
        if class_ is None or home is None or not member:
            return None
        origin = entity.origin or ((home.path, class_.qualname) if entity.kind == "class" else None)
        if origin is None:
            return None
        outside = self._set_from_outside(origin, member)
        if outside is not None or entity.kind == "class":
            return outside
        owned = self.owners.leading(home, class_).get(member.rstrip("()[]"))
        return self._owned_resource(owned, origin, entity) if owned is not None else None

    def _owned_resource(self, owned: Owned, origin: Key, entity: Entity) -> Resource | None:
        if owned.kind == "client" and origin[1] in self.project.modules[origin[0]].functions:
            return None  # what a cached function gives is a cache of clients, of which others speak
        place = self._place(entity._replace(origin=origin))
        made = ((owned.module, owned.value),)
        pooled = owned.pooled if owned.pooled is not None else self.owners.pooled_in(owned, entity)
        return Resource(owned.kind, origin[1], place, pooled, origin, self._classes(entity), made)

    def _classes(self, entity: Entity) -> tuple[Key, ...]:
        """The class of an object and its bases."""
        return tuple((base.module.path, base.name) for base in self.project.bases(entity) if base.module)

    def _own(self, module: Module, entity: Entity, chain: str) -> Resource | None:
        """What a method uses of its own object, where a module keeps the only objects of its class."""
        name, called, rest = chain.partition("().")
        if not called or name[:1] != ":" or entity.origin is not None:
            return None
        class_ = module.classes.get(name[1:])
        member = rest.partition(".")[0].rstrip("()[]")
        owned = self.owners.leading(module, class_).get(member) if class_ is not None else None
        if class_ is None or owned is None or "()" in rest.partition(".")[2]:
            return None
        return self._kept(module, class_, owned)

    def _kept(self, home: Module, class_: Class, owned: Owned) -> Resource | None:
        """What the only objects of a class hold, or what the object of a task holds in each process."""
        keeper = self.owners.keeper(home, class_)
        if keeper is None or (
            keeper == (home.path, class_.qualname) and self.owners.is_let_go(home, class_, owned)
        ):
            return None
        found = self._owned_resource(owned, keeper, Entity("instance", class_.qualname, home))
        if found is None or keeper[1] != class_.qualname:
            return found
        name = self.owners.attribute_of(home, class_, owned)
        key = home.path, f"{class_.qualname}.{name}"
        return found._replace(name=name, key=key, place=owned.module.place(owned.value.span))

    def handed(self, module: Module, chain: str, task: Entity | None = None) -> Resource | None:
        """The resource that an argument is. ``task`` is the class of what the function knows as itself."""
        if chain[:1] != "%":
            return self.of(self.project.resolve(module, chain)) or self._kept_by_object(module, chain)
        class_ = task.class_() if task is not None else None
        if task is None or task.module is None or class_ is None:
            return None
        owned = self.owners.leading(task.module, class_).get(chain.partition(".")[2])
        return self._kept(task.module, class_, owned) if owned is not None else None

    def _bound_to(self, module: Module, call: Call, calls: list[Call] | None) -> Resource | None:
        """The engine of ``AsyncSession(engine)``, the pool of ``Redis(connection_pool=pool())``."""
        for given in call.takes:
            if given.keyword not in GIVEN_BY:
                continue
            chain = given.chain
            if given.kind == "call" and calls is not None:
                chain = f"{calls[given.number].chain}()"
            if chain:
                found = self.of(self.project.resolve(module, chain)) or self._kept_by_object(module, chain)
                if found is not None:
                    return found
        return None

    def _kept_by_object(self, module: Module, chain: str) -> Resource | None:
        """What is handed on of an object: `AsyncSession(self.engine)`, `Redis(connection_pool=db.pool)`."""
        owner, _, member = chain.rpartition(".")
        owned = self._owned(self.project.resolve(module, owner), member) if owner else None
        return owned or self._own(module, self.project.resolve(module, chain), chain)

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
        if not values and name in module.functions:
            return module.place(module.functions[name].span)
        return module.place(values[0].span) if values else Place(path, module.functions[""].span)

    def _engine(self, entity: Entity, origin: Key) -> Resource | None:
        """An engine that is kept; one that only its session maker knows lives as long as that."""
        engine = self.bound.engine_of(entity)
        if engine is None:
            return None
        key = engine.origin or self._beside(engine, origin)
        if key not in self._known:
            place = self._place(engine._replace(origin=key))
            self._known[key] = Resource("engine", key[1], place, self.bound.pooled(engine), key)
        return self._known[key]

    def _beside(self, engine: Entity, origin: Key) -> Key:
        """The name of an engine that stands beside its session maker: ``engine, sessions = make()``."""
        module = self.project.modules[origin[0]]
        for value in module.bindings.get(origin[1], ()):
            taken = value.chain.rpartition(".")[2].isdecimal()
            for name, values in module.bindings.items() if taken else ():
                if any(other.span == value.span for other in values):
                    found = self.project.member(module, name)
                    if self.is_async_engine(found) and found.value == engine.value:
                        return module.path, name
        return origin

    def released_by(self, module: Module, call: Call) -> Key | None:
        """What a call gives the connections of back: an engine disposed of, a client closed."""
        if call.leaf() not in RELEASES or call.chain.endswith("()") or call.chain[:1] in "%~":
            return None
        chain = self.bound.without_parts(call.chain.rpartition(".")[0])
        entity = self.bound.engine_around(module, chain) or self.project.resolve(module, chain)
        bound = entity.kind == "instance" or self.is_async_engine(entity) or self.is_client(entity)
        if bound and entity.origin is not None:
            return entity.origin
        kept = self.of(entity) or self._kept_by_object(module, chain)
        if kept is not None:
            # `self.sessions().close()` ends a session, and leaves its connection to the pool.
            of_session = kept.kind == "engine" and chain.endswith("()") and call.leaf() != "dispose"
            return None if of_session else kept.key
        name, called, rest = chain.partition("().")
        class_ = module.classes.get(name[1:]) if called and name[:1] == ":" else None
        if class_ is not None and rest in self.owners.leading(module, class_):
            return module.path, class_.qualname  # of whatever object of this class
        return None

    def used_in(self, module: Module, function: Function, calls: CallsOf) -> list[tuple[Resource, Call]]:
        """The resources that a function's own calls use."""
        key = self._now(module, function)
        found = self._used.get(key)
        if found is None:
            found = self._used[key] = []
            every = calls(module, function)
            for call in every:
                resource = self.used_by(module, call, every)
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

    def renewed_in(self, module: Module, function: Function, calls: CallsOf) -> set[Key]:
        """The names of a module that a function binds anew whatever they hold: `_engine = None`.

        What is drawn from them afterwards is made for the loop that runs then.
        """
        found = {
            (module.path, name)
            for name, values in module.bindings.items()
            if any(self.project.functions.around(module, value) is function for value in values)
            and not _asks_for(function, name)
        }
        if function.mentions("configure"):  # Session.configure(bind=engine)
            for call in calls(module, function):
                maker = self.project.resolve(module, call.chain.rpartition(".")[0])
                if call.leaf() == "configure" and maker.name in SESSION_MAKERS and maker.origin is not None:
                    found.add(maker.origin)
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
