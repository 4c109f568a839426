"""What becomes of a new engine in the function that made it or took it."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.analysis.resources.sessions.session_flow import HARMLESS
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.libraries.sqlalchemy import CONNECTING, USERS_OF_ENGINES
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known

_SESSION_MAKERS = frozenset({"sessionmaker", "async_sessionmaker", "scoped_session", "async_scoped_session"})
_SESSIONS = frozenset({"Session", "AsyncSession"})
# `Session(engine)`, `sessionmaker(engine)()`
_MADE_HERE = _SESSIONS | {f"{maker}()" for maker in _SESSION_MAKERS}


class Made(NamedTuple):
    """A call that gives something new.

    ``kind`` is ``engine``, what holds one (``maker``, ``session``), or ``client``.
    """

    kind: str
    call: Call
    source: Place


class EngineFate:
    """What becomes of one new engine in the function that made or took it."""

    def __init__(self, known: Known, module: Module, function: Function, made: Made) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.module = module
        self.function = function
        self.flow = known.project.functions.of(module, function)
        self.calls = known.project.functions.calls(module, function)
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
            closure = self.graph.deep_closure(entity.module, function)
            if any(inner.mentions("dispose") for _, inner in closure):
                return False
            return kind == "session" or not any(
                step.kind == "assign" and not step.stores
                for inner_module, inner in closure
                for step in self.project.functions.of(inner_module, inner).steps
            )
        if entity.kind == "external":
            return entity.name.startswith(USERS_OF_ENGINES)
        return (
            kind == "session" or call.chain.rpartition(".")[0] in self.chains or call.leaf() == "create_all"
        )


def _given(call: Call) -> Iterable[str]:
    """The chains that a call takes as arguments."""
    return [given.chain for given in call.takes if given.kind == "name"]
