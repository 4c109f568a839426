"""Which calls take a connection from an engine."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.sites import Sites
from celery_lint.inventory.resources.at_import import AtImport
from celery_lint.libraries.sqlalchemy import SYNC_ENGINES, SYNC_MAKERS, SYNC_SCOPED, SYNC_SESSIONS
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known

#: Methods of engines that take a connection.
ENGINE_USES = frozenset({"connect", "begin", "execute", "raw_connection"})
_SCHEMA_USES = frozenset({"create_all", "drop_all", "reflect"})
# What looks at the database when it is called, and which argument is the engine: by place, or by name.
_LOOKING = {"Table": (99, "autoload_with"), "prepare": (99, "autoload_with"), "inspect": (0, "subject")}
#: The last names of all calls that look at a database by an engine.
LOOKING = (*_SCHEMA_USES, *_LOOKING)
_DEEPEST = 3


class EngineConnections:
    """Questions about single calls: of engines that modules keep, or objects of theirs."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sites = known.of(Sites)
        self.graph = known.of(CallGraph)
        self.at_import = known.of(AtImport)

    def _is_of_sqlalchemy(self, module: Module, call: Call) -> bool:
        return self.sites.name(module, call.chain).startswith(("sqlalchemy.", "sqlmodel."))

    def bind(self, module: Module, call: Call) -> Entity | None:
        """What the first argument of a call is, or the one called ``bind``."""
        given = call.argument(0, "bind") or call.argument(1)
        return self.entity(module, given.chain)

    def entity(self, module: Module, chain: str) -> Entity | None:
        """Something of another package that a chain leads to, with who keeps it if that is known."""
        entity = self.sites.entity(module, chain)
        if chain[:1] != ":" or (entity is not None and entity.origin is not None):
            return entity
        kept = self.at_import.of(module, chain)
        if entity is None:
            return kept if chain.count(".") == 1 else None  # what the object was given
        return kept if kept is not None and kept.name == entity.name else entity

    def engines_given(self, module: Module, call: Call) -> Iterator[Key]:
        """The engines that a call gives to a function which connects them: ``create_tables(engine)``."""
        for given in call.takes:
            engine = self.entity(module, given.chain) if given.kind == "name" else None
            if engine is None or engine.name not in SYNC_ENGINES or engine.origin is None:
                continue
            target = self.graph.target(module, call.chain)
            parameter = target[1].parameter_given(call, given.chain) if target is not None else ""
            if target is not None and parameter and self._connects_parameter(*target, parameter):
                yield engine.origin

    def _connects_parameter(
        self, module: Module, function: Function, parameter: str, depth: int = _DEEPEST
    ) -> bool:
        """Whether a function takes a connection from what it is given for a parameter."""
        chain = f"%{parameter}"
        uses = tuple([f"{chain}.{use}()" for use in ENGINE_USES])
        for step in self.functions.of(module, function).steps:
            if parameter in step.stores:
                return False
            if any(used.startswith(uses) for used in (step.value, *step.chains)):
                return True
        for call in self.functions.calls(module, function):
            if not call.hands_on(chain):
                continue
            looking = looks_at(call)
            if looking is not None and looking.chain == chain and self._is_of_sqlalchemy(module, call):
                return True
            target = self.graph.target(module, call.chain) if depth else None
            inner = target[1].parameter_given(call, chain) if target is not None else ""
            if target is not None and inner and self._connects_parameter(*target, inner, depth - 1):
                return True
        return False

    def engines_in(self, module: Module, function: Function) -> Iterator[Key]:
        """The engines that a function, or what it calls, takes a connection from."""
        closure = self.graph.deep_closure(module, function)
        for inner_module, inner in closure:
            for call in self.functions.calls(inner_module, inner):
                engine = self.connected(inner_module, call)
                if engine is None or engine.origin is None:
                    continue
                if not self._asks_which(inner_module, inner, call, engine):
                    yield engine.origin

    def _asks_which(self, module: Module, function: Function, call: Call, engine: Entity) -> bool:
        """Whether a function looks at the engine, or its address, before it connects: ``if engine.dialect…``.

        Then it does so for some databases only, as a rule for SQLite.
        """
        flow = self.functions.of(module, function)
        step = flow.step_of(call)
        address = engine.value.first() if engine.value is not None else None
        names = {leaf_of_chain(address.chain)} if address is not None and address.chain else set()
        itself = engine.origin[1] if engine.origin is not None else ""
        if step is None:
            return False
        around = list(flow.ancestors(step))
        return any(
            test.kind == "if"
            and (not names.isdisjoint(test.loads) or _looks_into(test, itself))
            and (test in around or (test.number < step.number and flow.ends(flow.body(test))))
            for test in flow.steps
        )

    def connected(self, module: Module, call: Call) -> Entity | None:
        """The engine that a call certainly takes a connection from."""
        if call.chain[:1] in "%~":
            return None
        if call.leaf() in ENGINE_USES:
            engine = self.entity(module, call.chain.rpartition(".")[0])
        else:
            given = looks_at(call)
            if given is None or not self._is_of_sqlalchemy(module, call):
                return None
            engine = self.entity(module, given.chain)
        return engine if engine is not None and engine.name in SYNC_ENGINES else None

    def used(self, module: Module, call: Call) -> Entity | None:
        """The engine that a call draws a connection from."""
        leaf, chain = call.leaf(), call.chain
        if leaf in ENGINE_USES:
            chain = chain.rpartition(".")[0]
        entity = self.entity(module, chain)
        if entity is None:
            return None
        if entity.name in SYNC_SESSIONS:
            return self.bind(module, call)
        return self._behind(entity)

    def _behind(self, entity: Entity, depth: int = 3) -> Entity | None:
        """The engine behind a session maker, or behind a registry of its sessions."""
        if entity.name in SYNC_ENGINES:
            return entity
        if entity.name not in SYNC_MAKERS | SYNC_SCOPED or entity.value is None or entity.module is None:
            return None
        bind = entity.value.keyword("bind") or entity.value.first()
        if bind is None or depth == 0:
            return None
        if bind.kind == "name":
            given = self.entity(entity.module, bind.chain)
        else:
            given = self.project.value_entity(entity.module, bind)
        if given is None or given.kind != "external":
            return None
        return self._behind(given, depth - 1)


def looks_at(call: Call) -> Argument | None:
    """What the database is looked at by, or changed: the engine of ``create_all(engine)``."""
    if call.leaf() in _SCHEMA_USES:
        return call.argument(0, "bind") or call.argument(1)
    if call.leaf() not in _LOOKING:
        return None
    place, keyword = _LOOKING[call.leaf()]
    return call.argument(place, keyword) or None


def _looks_into(test: Step, name: str) -> bool:
    """Whether a test asks for more of an engine than whether there is one."""
    asked = [leaf_of_chain(chain.partition("#")[0].strip("!= ")) for chain in test.chains]
    return name in test.loads and name not in asked
