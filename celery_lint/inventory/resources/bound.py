"""What belongs to an event loop, by what made it: clients, and engines with a pool."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.resources.choices import POOLLESS, Choices
from celery_lint.libraries.clients import LOOP_BOUND, MONGO, MONGO_PARTS, RETRYING
from celery_lint.libraries.sqlalchemy import (
    ASYNC_ENGINES,
    ASYNC_MAKERS,
    BOUND_DRIVERS,
    FREE_DRIVERS,
    SYNC_MAKERS,
)
from celery_lint.model.facts import Module, Value
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known

#: What makes sessions, of the engine that it is given.
SESSION_MAKERS = SYNC_MAKERS | ASYNC_MAKERS
# Only a pool that keeps connections takes these: SQLAlchemy refuses them beside another pool class.
_POOL_SIZES = ("pool_size", "max_overflow")
# One connection for all, which belongs to a loop if its driver binds it.
_OF_ANY_DRIVER = frozenset({"StaticPool"})
# A connection of aiosqlite belongs to a thread, one of psycopg to the loop that waits for it: both were
# measured to work on one loop after another.
_WITHOUT_A_LOOP = ("sqlite", "postgresql+psycopg:", "postgresql+psycopg_async:")


class Bound:
    """Questions about single objects, wherever they are kept."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.choices = known.of(Choices)

    def is_client(self, entity: Entity) -> bool:
        """Whether an entity is a client, a pool of connections, or a part of one (a database)."""
        if entity.kind != "external":
            return False
        made, _, part = entity.name.partition("()")
        if part and f"{made}()" in MONGO:
            for method in MONGO_PARTS:
                part = part.replace(f".{method}()", "")
        if f"{made}()" not in LOOP_BOUND or "()" in part:
            return False
        if f"{made}()" in RETRYING:
            retries = entity.value.keyword("max_retries") if entity.value is not None else None
            return retries is not None and retries.data == 0
        if not made.startswith("databases.") or entity.value is None or entity.module is None:
            return True
        address = self.project.text(entity.module, entity.value.first())
        return not (address or "").startswith("sqlite")

    def is_async_engine(self, entity: Entity) -> bool:
        """Whether an entity is an ``AsyncEngine``, wherever it was made."""
        return entity.kind == "external" and entity.name in ASYNC_ENGINES

    def can_be_disposed_of(self, key: Key) -> bool:
        """Whether what a module keeps under a name has a ``dispose``: an engine, or an object with one.

        The makers of sessions have none.
        """
        found = self.project.member(self.project.modules[key[0]], key[1])
        method = self.project.attribute(found, "dispose") if found.kind == "instance" else None
        return self.is_async_engine(found) or (method is not None and method.function() is not None)

    @staticmethod
    def without_parts(chain: str) -> str:
        """``db.engine`` of ``db.engine.sync_engine.pool``, wherever an engine is kept."""
        return chain.removesuffix(".pool").removesuffix(".sync_engine") if ".sync_engine" in chain else chain

    def engine_around(self, module: Module, chain: str) -> Entity | None:
        """The async engine that a chain means, itself or as the one in it: ``engine.sync_engine.pool``."""
        for part in ("", ".pool", ".sync_engine"):
            chain = chain.removesuffix(part)
            entity = self.project.resolve(module, chain)
            if self.is_async_engine(entity):
                return entity
        return None

    def engine_of(self, entity: Entity) -> Entity | None:
        """The async engine that an entity is, or that a maker of sessions was given."""
        if self.is_async_engine(entity):
            return entity
        if entity.kind != "external" or entity.name not in SESSION_MAKERS:
            return None
        value, module = entity.value, entity.module
        bind = (value.first() or value.keyword("bind")) if value is not None else None
        if bind is None or module is None:
            return None
        engine = self.whole(module, bind)
        if engine.name.startswith("dependency_injector."):
            engine = self.project.call(engine, None)
        return engine if self.is_async_engine(engine) else None

    def whole(self, module: Module, value: Value) -> Entity:
        """What a value means, with the arguments of the call that a local variable is bound to."""
        entity = self.project.value_entity(module, value)
        function = self.project.functions.around(module, value) if value.chain.endswith("()") else None
        if entity.kind != "external" or entity.value is not None or function is None:
            return entity
        made = value.chain[:-2]
        calls = [call for call in self.project.functions.calls(module, function) if call.chain == made]
        known = function.value_of(calls[0]) if len(calls) == 1 else None
        return entity if known is None else entity._replace(value=known, module=module)

    def pooled(self, entity: Entity, holder: Entity | None = None) -> bool | None:
        """Whether an engine keeps connections for its loop; ``None`` when its options are hidden.

        Where branches make several, the one for a server decides. ``holder`` is the object that has the
        engine: the call that makes it may say how.
        """
        value, module = entity.value, entity.module
        if value is None or module is None:
            return None
        made = self.choices.beside(entity)
        if len(made) < 2:
            return self._keeps(module, value, holder)
        kept = [(each, self._keeps(module, each, holder, chosen=True)) for each in made]
        if any(keeps is None for _, keeps in kept):
            return None
        pooled = [each for each, keeps in kept if keeps]
        poolless = [each for each, keeps in kept if not keeps]
        if pooled and poolless and not self.choices.are_for_servers(module, pooled, poolless):
            return None
        return bool(pooled)

    def _keeps(
        self, module: Module, value: Value, holder: Entity | None, chosen: bool = False
    ) -> bool | None:
        """Whether the engine that a call makes keeps connections.

        Where it is ``chosen``, what its address is by default says nothing of this one.
        """
        options = list(self._options(module, value, holder))
        names = {name for name, _ in options}
        chosen_pools = [_deployed(option) for name, option in options if name == "poolclass"]
        classes = {
            self._pool_class(module, option)
            for option in chosen_pools
            if option.kind != "constant"  # None is the default
        }
        sized = not names.isdisjoint(_POOL_SIZES)
        if sized and classes and classes <= POOLLESS and self.choices.gives_no_pool_to_others(module, value):
            return True
        if "" in classes or (sized and not classes.isdisjoint(POOLLESS)):
            return None  # one or the other, as a branch decides
        if classes - _OF_ANY_DRIVER:
            return classes.isdisjoint(POOLLESS)
        if not sized and not names.isdisjoint(("*", "**")):
            return None
        given = value.first()
        hidden = chosen and given is not None and given.kind == "name"
        address = None if hidden else self._address(module, given, holder)
        if not address and not chosen and (self._default(module, value.first()) or "").startswith("sqlite"):
            return False
        if not address:  # hidden, or a default that says nothing
            named = self._drivers(module)
            if sized and self._sizes_are_chosen(value):  # for one of the drivers, by a branch
                named |= self.project.deployment.packages or frozenset()
            return named.isdisjoint(FREE_DRIVERS) or not named.isdisjoint(BOUND_DRIVERS)
        return not address.startswith(_WITHOUT_A_LOOP)

    def _pool_class(self, module: Module, option: Value) -> str:
        """The name of a class of pools, or nothing: of what only an annotation tells nobody knows which."""
        class_ = self.project.value_entity(module, option)
        known = class_.kind != "external" or class_.name.startswith("sqlalchemy.")
        return class_.name.rpartition(".")[2] if known else ""

    @staticmethod
    def _sizes_are_chosen(value: Value) -> bool:
        """Whether options come from a dictionary that a branch makes with sizes of a pool, or without."""
        made = [option for name, option in value.keywords if name == "**" and option.kind == "mapping"]
        with_sizes = [option for option in made if any(option.keyword(size) for size in _POOL_SIZES)]
        return 0 < len(with_sizes) < len(made)

    def _address(self, module: Module, given: Value | None, holder: Entity | None) -> str | None:
        """The address of a database, where it is a constant, or one that an object is made with."""
        handed = self._handed(module, given, holder) if given is not None else None
        return self.project.text(*(handed or (module, given)))

    def _handed(self, module: Module, given: Value, holder: Entity | None) -> tuple[Module, Value] | None:
        """What the call that makes an object gives a parameter of its constructor."""
        maker = self.project.functions.around(module, given) if given.chain[:1] == "%" else None
        if maker is None or holder is None or holder.value is None or holder.origin is None:
            return None
        name, call, home = given.chain[1:], holder.value, self.project.modules.get(holder.origin[0])
        if maker.name != "__init__" or not maker.takes(name) or call.kind != "call":
            return None
        filled = maker.filled()
        handed = call.keyword(name)
        if handed is None and name in filled and filled.index(name) < len(call.items):
            handed = call.items[filled.index(name)]
        return (home, handed) if handed is not None and home is not None else None

    def _default(self, module: Module, given: Value | None) -> str | None:
        """What an address was before it was rewritten: that changes its driver, but not its database."""
        if given is None or given.kind not in ("name", "call"):
            return None
        if given.kind == "call":
            chain, _, leaf = given.chain.rpartition(".")
            inner = Value("name", given.span, None, chain) if leaf == "replace" else given.first()
            return (self.project.text(module, inner) or self._default(module, inner)) if inner else None
        name = given.chain[1:]
        function = self.project.functions.around(module, given)
        if given.chain[:1] == ":" or function is None:
            bound = module.bindings.get(name, ())
            return self.project.text(module, bound[0]) if len(bound) > 1 else None
        for step in function.steps():
            if step.kind == "assign" and name in step.stores:
                return self.project.text(module, Value("name", step.span, None, step.value))
        return None

    def _drivers(self, module: Module) -> frozenset[str]:
        """The drivers that an engine may have: those that its module names, or others, or packages."""
        elsewhere = {name for other in self.project.product_modules() for name in other.drivers}
        installed = self.project.deployment.packages or frozenset()
        return frozenset(module.drivers) or frozenset(elsewhere) or installed

    def _options(self, module: Module, value: Value, holder: Entity | None) -> Iterator[tuple[str, Value]]:
        """The options of an engine, also those that a dictionary gets in whatever branch."""
        for name, option in value.keywords:
            handed = self._handed(module, option, holder) if name == "**" else None
            if handed is not None:
                known = self.project.value_entity(*handed)
                if known.kind == "value" and known.value is not None and known.value.kind == "mapping":
                    yield from known.value.keywords
                    continue
            made = self._returned(module, option) if name == "**" and option.kind == "call" else []
            if made:
                for each in made:
                    yield from each.keywords
                continue
            yield name, option
            if name == "**":
                known = self.project.value_entity(module, option)
                if known.kind == "value" and known.value is not None:
                    yield from known.value.keywords
                if option.kind == "name" and option.chain[:1] in ":%":
                    yield from self._filled(module, option.chain, value)

    def _returned(self, module: Module, option: Value) -> list[Value]:
        """The dictionaries that a function returns, if it returns nothing else."""
        function = self.project.resolve(module, option.chain).function()
        returned = list(function.returns) if function is not None else []
        return returned if all(value.kind == "mapping" for value in returned) else []

    def _filled(self, module: Module, chain: str, user: Value) -> Iterator[tuple[str, Value]]:
        """What a dictionary is bound to, and what is put into it where it is made."""
        around = self.project.functions.around(module, user) if chain[:1] == "%" else None
        function = around or module.functions[""]
        for bound in module.bindings.get(chain[1:], ()) if around is None else ():
            yield from bound.keywords
        for item in module.assignments:
            if item.target == chain and item.subscript and item.function == function.qualname:
                yield item.key, item.value
        if function.may_call(f"{chain}.update", f"{chain}.setdefault"):
            for call in self.project.functions.calls(module, function):
                if call.chain == f"{chain}.setdefault":
                    yield call.argument(0).text, Value("unknown", call.span)
                whole = function.value_of(call) if call.chain == f"{chain}.update" else None
                for given in (*whole.items, whole) if whole is not None else ():
                    yield from given.keywords


def _deployed(value: Value) -> Value:
    """What workers have of alternatives among which the code of a project decides for its tests."""
    return value.items[0] if value.kind == "either" and value.data == "deployed" else value
