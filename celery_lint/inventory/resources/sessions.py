"""Sessions of SQLAlchemy: what makes them, which names hold one, and those that all tasks share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.files.filter import Pair
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.sqlalchemy import (
    ASYNC_MAKERS,
    ASYNC_SCOPED,
    ASYNC_SESSIONS,
    SYNC_MAKERS,
    SYNC_SCOPED,
    SYNC_SESSIONS,
)
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.entity import UNKNOWN, Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

_SCOPED = SYNC_SCOPED | ASYNC_SCOPED
_CONTEXT_MANAGERS = frozenset({"contextmanager", "asynccontextmanager"})

#: Of sessions; nothing for what is none.
Kind = Literal["sync", "async", "scoped", ""]


class SessionName(NamedTuple):
    """A local name that holds a session. ``kind`` is ``sync``, ``async`` or ``scoped``.

    ``steps`` are the numbers of the statements that bind it, none for a parameter; ``closes`` says that each
    of them is a ``with`` that closes the session at its end. ``maker``: what the session of a parameter comes
    from that all callers fill, where the chain is only its name.
    """

    name: str
    kind: Kind
    chain: str
    steps: tuple[int, ...]
    closes: bool
    maker: str = ""


# Words of files with a function that rolls back what it is given.
_ROLLING_BACK = {("rollback", "sqlalchemy"), ("rollback", "sqlmodel")}
# Words of files with a function that works with a session that it is given, whatever type it says that has.
_WORKING = {(leaf, name) for leaf in ("add", "commit", "flush") for name in ("db", "session")}


class Sessions:
    """The sessions of a project, as far as tasks come across them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.runs = known.of(Runs)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self._kinds: dict[Key, Kind] = {}
        self._names: dict[Key, dict[str, SessionName]] = {}
        self._held: dict[Key, list[tuple[str, Kind]]] = {}

    @once
    def reached(self) -> list[tuple[Module, Function, tuple[Task, ...]]]:
        """Everything that tasks run: what they reach, and their coroutines."""
        return self.everything if self._with_sqlalchemy() else []

    @once
    def everything(self) -> list[tuple[Module, Function, tuple[Task, ...]]]:
        """The same of a project that need not use SQLAlchemy."""
        return list(self._reached())

    def _reached(self) -> Iterator[tuple[Module, Function, tuple[Task, ...]]]:
        tasks: dict[Key, list[Task]] = {}
        for key, reached in self.graph.reached.items():
            tasks[key] = [way.task for way in reached]
        for key, more in self.runs.task_coroutines.items():
            known = tasks.setdefault(key, [])
            known.extend(task for task in more if task not in known)
        for (path, qualname), among in sorted(tasks.items()):
            module = self.project.modules.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is not None and function is not None:
                yield module, function, tuple(among)

    @asking("hint")
    def explore(self) -> None:
        """Hint at the files that what tasks run calls into: one of them may make the sessions."""
        for module, function, _ in self._reached():
            for call in self.functions.calls(module, function):
                if call.chain[:1] not in ":%~":
                    self.project.resolve(module, call.chain)

    @asking("quiet")
    def words(self) -> set[Pair]:
        """The names of sessions and of what makes them, and what rolls them back: (name, leaf of the module).

        A file that what tasks run calls into matters if it holds one of them.
        """
        made = {(name, leaf_of(path)) for (path, name), _ in self.at_module_level()}
        return made | _ROLLING_BACK | (_WORKING if self._with_sqlalchemy() else set())

    def _with_sqlalchemy(self) -> bool:
        return any(
            name.startswith(("sqlalchemy", "sqlmodel"))
            for module in self.project.modules.values()
            for name in (
                *module.imports.values(),
                *module.star_imports,
                # imported inside a function
                *(value.chain for function in module.functions.telling() for _, value in function.values),
            )
        )

    def kind(self, module: Module, chain: str) -> Kind:
        """``sync``, ``async`` or ``scoped`` for the chain of a session, else nothing."""
        key = (module.path, chain)
        known = self._kinds.get(key)
        if known is None:
            self._kinds[key] = ""  # a factory that calls itself
            known = self._kinds[key] = self._kind(module, chain)
        return known

    def _kind(self, module: Module, chain: str) -> Kind:
        if not chain or chain[:1] == "%":
            return ""
        if not chain.endswith("()"):
            return _kind_of(self.project.resolve(module, chain))
        callee = self.project.resolve(module, chain[:-2])
        if callee.kind == "external":
            if callee.name in SYNC_SESSIONS:
                return "sync"
            if callee.name in ASYNC_SESSIONS:
                return "async"
            if callee.name.removesuffix(".begin") in SYNC_MAKERS | ASYNC_MAKERS:
                return "scoped" if self._made_scoped(callee) else self._made(callee)
            return "scoped" if callee.name in _SCOPED else ""
        if callee.kind == "class":
            for base in self.project.bases(callee):
                if base.name in SYNC_SESSIONS:
                    return "sync"
                if base.name in ASYNC_SESSIONS:
                    return "async"
            return ""
        function = callee.function()
        if function is None or callee.module is None:
            return ""
        if is_context_manager(function):
            return self._yielded(callee.module, function)
        found = _kind_of(self.project.call(callee, None))
        return found or self._annotated(callee.module, function) or self._given_back(callee.module, function)

    def _given_back(self, module: Module, function: Function) -> Kind:
        """The session that a function hands to one which gives it back: `return for_tenant(session, pk)`."""
        calls, kinds = self.functions.calls(module, function), set[Kind]()
        for step in self.functions.of(module, function).steps:
            made = [calls[number] for number in step.calls if step.value == f"{calls[number].chain}()"]
            if step.kind == "return":
                helper = self.graph.target(module, made[0].chain) if made else None
                name = self._gives_back(*helper) if helper is not None else ""
                place = helper[1].filled().index(name) if helper is not None and name else -1
                given = made[0].argument(place, name).chain if place >= 0 else ""
                kinds.add(self.kind(module, given) if given else "")
        return kinds.pop() if len(kinds) == 1 else ""

    def _gives_back(self, module: Module, function: Function) -> str:
        """The parameter that a function always gives back, if it is one of those by position."""
        steps = self.functions.of(module, function).steps
        given = {step.value.removeprefix("%") for step in steps if step.kind == "return"}
        bound = {name for step in steps for name in step.stores}
        name = given.pop() if len(given) == 1 and not function.is_generator else ""
        return name if name in function.filled() and name not in bound else ""

    def _annotated(self, module: Module, function: Function) -> Kind:
        """The kind of session that a function says it gives: its caller, the loop or block around it."""
        given = self.project.resolve(module, function.annotation)
        return _kind_of(given._replace(name=f"{given.name}()")) if given.kind == "external" else ""

    def _made_scoped(self, maker: Entity) -> bool:
        """Whether the name of a maker is bound again: ``Session = scoped_session(Session)``."""
        if maker.origin is None:
            return False
        path, name = maker.origin
        module = self.project.modules.get(path)
        values = module.bindings.get(name, ()) if module is not None else ()
        return any(value.chain.endswith("scoped_session") for value in values)

    def _made(self, maker: Entity) -> Kind:
        """What a session maker makes."""
        if maker.name.removesuffix(".begin") in ASYNC_MAKERS:
            return "async"
        given = maker.value.keyword("class_") if maker.value is not None else None
        if given is None or maker.module is None:
            return "sync"
        return "async" if self.project.value_entity(maker.module, given).name in ASYNC_SESSIONS else "sync"

    def _yielded(self, module: Module, function: Function) -> Kind:
        """The session that a context manager of the project gives and closes, if that can be seen."""
        for step in self.functions.of(module, function).steps:
            if step.yields and step.chains and len(step.loads) == 1:
                held = self.names(module, function).get("".join(step.loads))
                if held is None or held.kind == "scoped":
                    return ""
                closed = held.closes or closes_in_finally(self.functions.of(module, function), held)
                return held.kind if closed else ""
        return ""

    def names(self, module: Module, function: Function) -> dict[str, SessionName]:
        """The names of a function that hold nothing but sessions."""
        key = (module.path, function.qualname)
        if key not in self._names:
            self._names[key] = {}
            self._names[key] = self._find_names(module, function)
        return self._names[key]

    def names_or_none(self, module: Module, function: Function) -> dict[str, SessionName]:
        """The same, with those that hold ``None`` before: ``session = None`` in front of a ``try``."""
        return self._find_names(module, function, True)

    def _find_names(
        self, module: Module, function: Function, or_none: bool = False
    ) -> dict[str, SessionName]:
        found: dict[str, SessionName] = {}
        for parameter in function.parameters:
            chain = f"{parameter.annotation}()"
            if parameter.annotation and self.kind(module, chain):
                found[parameter.name] = SessionName(
                    parameter.name, self.kind(module, chain), chain, (), False
                )
            elif not parameter.annotation and f"%{parameter.name}" in function.packed_calls:
                handed = self._handed(module, function, parameter.name)
                if handed is not None:
                    found[parameter.name] = handed
        others = {parameter.name for parameter in function.parameters} - found.keys()
        for step in self.functions.of(module, function).steps:
            bound = dict(_bindings(step.kind, step.chains, step.stores))
            if step.kind == "assign" and len(step.stores) > 1 and step.chains:
                bound = self._parts(module, step.chains[0], step.stores)
            for name in step.stores:
                kind = self.kind(module, bound[name]) if name in bound else ""
                known = found.get(name)
                if or_none and step.value == "#None" and known is None and name not in others:
                    continue
                if name in others or not kind or (known is not None and known.kind != kind):
                    found.pop(name, None)
                    others.add(name)
                    continue
                closes = step.kind == "with" and kind != "scoped"
                if known is not None:
                    closes = closes and known.closes
                before = known.steps if known is not None else ()
                found[name] = SessionName(name, kind, bound[name], (*before, step.number), closes)
        return found

    def _handed(self, module: Module, function: Function, name: str) -> SessionName | None:
        """The session that a parameter holds because all calls on the ways of tasks give it one."""
        if name == function.first() and function.owner:
            return None
        kinds: set[Kind] = set()
        maker = ""
        own = [parameter.name for parameter in function.parameters]
        place = own.index(name) - (1 if function.owner and own[0] in ("self", "cls") else 0)
        for home, caller, call in self._callers.get((module.path, function.qualname), ()):
            chain = call.argument(place, name).chain if not call.is_open_ended else ""
            sessions = (*self.names(home, caller).values(), *self.of_object(home, caller))
            given = next((each for each in sessions if chain in (each.chain, f"%{each.name}")), None)
            if given is None:
                return None
            kinds.add(given.kind)
            maker = given.maker or given.chain
        return SessionName(name, kinds.pop(), f"%{name}", (), False, maker) if len(kinds) == 1 else None

    @once
    def _callers(self) -> dict[Key, list[tuple[Module, Function, Call]]]:
        """The calls of each function, in all that tasks run."""
        found: dict[Key, list[tuple[Module, Function, Call]]] = {}
        for module, function, _ in self.everything:
            for callee in self.graph.callees(module, function):
                key = callee.module.path, callee.function.qualname
                found.setdefault(key, []).append((module, function, callee.call))
        return found

    def _parts(self, module: Module, chain: str, stores: tuple[str, ...]) -> dict[str, str]:
        """What names are bound to that take a tuple apart which a function of the project returns."""
        given = self.project.resolve(module, chain).value if chain.endswith("()") else None
        if given is None or given.kind != "sequence" or len(given.items) != len(stores):
            return {}
        return {
            name: f"{chain}.{place}" for place, name in enumerate(reversed(stores))
        }  # the last comes first

    def of_object(self, module: Module, function: Function) -> list[SessionName]:
        """The sessions that the object of a method has in its attributes, as ``self.session``."""
        class_ = module.classes.get(function.owner)
        itself = function.first()
        if class_ is None or not itself:
            return []
        key = module.path, class_.qualname
        held = self._held.get(key)
        if held is None:
            names: dict[str, None] = {}
            for base in self.project.bases(Entity("class", class_.qualname, module)):
                body = base.class_()
                names.update(dict.fromkeys(body.attributes if body is not None else ()))
            chains = {name: f":{class_.qualname}().{name}" for name in names}
            kinds = {name: self.kind(module, chain) for name, chain in chains.items()}
            held = self._held[key] = [(name, kind) for name, kind in kinds.items() if kind]
        return [
            SessionName(f"{itself}.{name}", kind, f":{class_.qualname}().{name}", (), False)
            for name, kind in held
        ]

    # ------------------------------------------------------------------ sessions at module level

    def at_module_level(self) -> Iterator[tuple[Key, tuple[bool, Place]]]:
        """The sessions and registries of sessions that modules keep: whether it is a registry, and where."""
        for module in self.project.product_modules():
            for name, values in module.bindings.items():
                if not any(value.kind == "call" for value in values):
                    continue
                entity = self.project.member(module, name)
                if entity.kind != "external" or entity.origin != (module.path, name):
                    continue
                value = next(value for value in values if value.kind == "call")
                scoped = entity.name in _SCOPED
                kind = self.kind(module, f"{value.chain}()") or _kind_of(entity) or self._taken(module, value)
                if scoped or kind in ("sync", "async"):
                    yield entity.origin, (scoped, module.place(value.span))

    def _taken(self, module: Module, value: Value) -> Kind:
        """The session of ``next(get_session())``, which its generator will not close."""
        given = value.first() if value.chain == "~next" else None
        callee = self.project.resolve(module, given.chain) if given is not None else UNKNOWN
        function, home = callee.function(), callee.module
        if function is None or home is None:
            return ""
        for step in self.functions.of(home, function).steps:
            held = self.names(home, function).get("".join(step.loads)) if step.yields else None
            if held is not None:
                return held.kind
        return self._annotated(home, function)


def is_context_manager(function: Function) -> bool:
    """Whether a function is made a context manager by ``contextlib``."""
    return any(decorator.chain.rpartition(".")[2] in _CONTEXT_MANAGERS for decorator in function.decorators)


def closes_in_finally(flow: Flow, held: SessionName) -> bool:
    """Whether a function closes a session in a ``finally``."""
    calls = flow.function.calls()
    for step in flow.steps:
        if (
            held.name in step.loads
            and any(calls[number].leaf() in ("close", "aclose", "remove") for number in step.calls)
            and flow.inside(step, "try", "finally") is not None
        ):
            return True
    return False


def _kind_of(entity: Entity) -> Kind:
    """The kind of session that something of another package is."""
    if entity.kind != "external" or not entity.name.endswith("()"):
        return ""
    made = entity.name[:-2]
    if made in SYNC_SESSIONS or made in SYNC_MAKERS:
        return "sync"
    if made in ASYNC_SESSIONS or made in ASYNC_MAKERS:
        return "async"
    return "scoped" if made in _SCOPED else ""


def _bindings(kind: str, chains: tuple[str, ...], stores: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The names that a statement binds to something that can be followed."""
    if kind == "with":
        for chain in chains:
            value, _, name = chain.rpartition("=")
            if value:
                yield name, value
    elif kind == "assign" and len(stores) == 1 and chains:
        yield stores[0], chains[0]
