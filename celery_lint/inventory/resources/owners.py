"""Objects that own what belongs to an event loop: which attributes hold it, and who keeps the object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.resources.bound import Bound
from celery_lint.inventory.resources.used.ended_only import EndedOnly
from celery_lint.libraries.asyncio import ASKING_FOR_LOOP
from celery_lint.libraries.celery import PROCESS_STARTS, TASK_CLASSES
from celery_lint.libraries.clients import RELEASES
from celery_lint.model.facts import Class, Function, Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key, is_decorated
from celery_lint.project.known import Known, once

# A property that is worked out once is an attribute.
_ONCE = frozenset({"cached_property", "cache", "lru_cache", "cached"})
_ASKS_FOR_LOOP = ASKING_FOR_LOOP | {"current_task"}
# Objects without a class of the project whose attributes anybody sets.
NAMESPACES = ("threading.local()", "types.SimpleNamespace()")
_NAMESPACE_LEAVES = ("local", "SimpleNamespace")


class Owned(NamedTuple):
    """What an attribute holds: a ``client``, or an ``engine``, itself or behind a maker of sessions."""

    kind: Literal["client", "engine"]
    pooled: bool | None
    module: Module
    value: Value


class Owners:
    """The classes, objects and namespaces of a project that own clients and engines."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.bound = known.of(Bound)
        self.ended_only = known.of(EndedOnly)
        self._owned: dict[Key, dict[str, Owned]] = {}
        self._leading: dict[Key, dict[str, Owned]] = {}
        self._keepers: dict[Key, Key | None] = {}

    def held(self, module: Module, value: Value) -> Owned | None:
        """What a value is, if that belongs to an event loop."""
        if value.kind == "name" and self._is_given(module, value):
            return None  # whoever gave it may end it
        entity = self.bound.whole(module, value)
        if self.bound.is_client(entity):
            return Owned("client", True, module, value)
        engine = self.bound.engine_of(entity)
        if engine is not None:
            return Owned("engine", self.bound.pooled(engine), module, value)
        inner, home = entity.class_(), entity.module
        if entity.kind == "instance" and inner is not None and home is not None:
            for attribute, owned in self.of_class(home, inner).items():
                if owned.kind != "client" or not self.ended_only.holds(home, inner, attribute):
                    return owned
        return None

    def pooled_in(self, owned: Owned, holder: Entity) -> bool | None:
        """Whether the engine of one object keeps connections, as the call that makes the object says."""
        engine = self.bound.engine_of(self.project.value_entity(owned.module, owned.value))
        return self.bound.pooled(engine, holder) if engine is not None else None

    def _is_given(self, module: Module, value: Value) -> bool:
        """Whether a value is a parameter of the function around it, known by its annotation."""
        around = self.functions.around(module, value)
        return around is not None and any(
            parameter.annotation and value.chain == f"{parameter.annotation}()"
            for parameter in around.parameters
        )

    def of_class(self, home: Module, class_: Class) -> dict[str, Owned]:
        """The attributes of a class that hold something made once: with the object, or at its first use."""
        key = (home.path, class_.qualname)
        known = self._owned.get(key)
        if known is None:
            known = self._owned[key] = {}  # also for a class that holds one of its own kind
            for base in self.project.bases(Entity("class", class_.qualname, home)):
                body, module = base.class_(), base.module
                if body is None or module is None:
                    continue
                for name, values in body.attributes.items():
                    made = [value for value in values if value.kind != "constant"]
                    owned = self.held(module, made[0]) if len(made) == 1 and name not in known else None
                    if owned is not None and self._is_made_once(module, made[0]):
                        known[name] = owned
                    elif len(made) == 1 and made[0].chain.endswith(_NAMESPACE_LEAVES):
                        known.update(self._in_namespace(module, body, name, made[0]))
                for name in body.methods:
                    method = module.functions.get(f"{body.qualname}.{name}")
                    if method is not None and is_decorated(method, _ONCE) and method.returns:
                        owned = self.held(module, method.returns[0])
                        if owned is not None and not self.knows_loop(module, method):
                            known[name] = owned
        return known

    def _in_namespace(
        self, module: Module, class_: Class, name: str, made: Value
    ) -> Iterator[tuple[str, Owned]]:
        """What methods put into a namespace that an attribute holds: ``self._local.engine``."""
        if f"{self.project.resolve(module, made.chain).name}()" not in NAMESPACES:
            return
        holders = (f":{class_.qualname}().{name}", f":{class_.qualname}.{name}")
        for assignment in module.assignments:
            if assignment.target in holders and not assignment.subscript:
                owned = self.held(module, assignment.value)
                maker = module.functions.get(assignment.function)
                if owned is not None and maker is not None and self._keeps(module, maker, assignment.value):
                    yield name, owned

    def _is_made_once(self, module: Module, value: Value) -> bool:
        maker = self.functions.around(module, value)
        if maker is None or maker.name == "__init__":
            return True
        if self.knows_loop(module, maker):
            return False
        return is_asked_first(maker, value) or self._is_called_once(maker)

    def _is_called_once(self, maker: Function) -> bool:
        """Whether a method makes what its object owns for the process: called by ``__init__``, or at import.

        A handler of a signal that each process gets once may call it as well. Whoever else calls it may do so
        for each task.
        """
        if maker.is_async or not maker.owner:
            return False
        found = False
        for home, caller in self.project.holding(maker.name):
            for call in self.functions.calls(home, caller):
                if call.leaf() != maker.name:
                    continue
                called = self.project.resolve(home, call.chain)
                if called.kind == "function" and called.function() is not maker:
                    continue
                if called.kind == "unknown" and not maker.name.startswith("_"):
                    return False  # of an object that nobody knows
                if called.kind == "function":
                    if not self._runs_once(caller, maker):
                        return False
                    found = True
        return found

    @staticmethod
    def _runs_once(caller: Function, maker: Function) -> bool:
        """Whether a process runs a function no more than once, as far as this object is concerned."""
        if caller.name == "__init__":
            return caller.owner == maker.owner
        return not caller.name or any(
            decorator.chain.startswith(PROCESS_STARTS) for decorator in caller.decorators
        )

    def knows_loop(self, module: Module, function: Function) -> bool:
        """Whether a function asks for the running loop, or gets one: then it may keep one object for each."""
        if any("loop" in parameter.name for parameter in function.parameters):
            return True
        return function.mentions("loop", "current_task") and any(
            call.leaf() in _ASKS_FOR_LOOP or "loop" in call.leaf()
            for call in self.functions.calls(module, function)
        )

    def leading(self, home: Module, class_: Class) -> dict[str, Owned]:
        """The attributes and methods of a class that hold, give or use something that it owns."""
        key = (home.path, class_.qualname)
        known = self._leading.get(key)
        if known is None:
            known = self._leading[key] = {}
            for attribute, owned in self.of_class(home, class_).items():
                for member in self.members_with(home, class_, attribute):
                    known.setdefault(member, owned)
        return known

    def attribute_of(self, home: Module, class_: Class, owned: Owned) -> str:
        """The attribute of a class that holds what it owns."""
        return next(name for name, held in self.of_class(home, class_).items() if held == owned)

    def members_with(self, home: Module, class_: Class, attribute: str) -> set[str]:
        """The attributes and methods of a class that hold, give or use what one of its attributes holds."""
        methods: list[tuple[str, str, Function]] = []
        for base in self.project.bases(Entity("class", class_.qualname, home)):
            body, module = base.class_(), base.module
            if body is not None and module is not None:
                for name in body.methods:
                    method = module.functions.get(f"{body.qualname}.{name}")
                    if method is not None and name != "__init__":
                        methods += [(name, f":{body.qualname}{end}", method) for end in ("()", "")]
        found, more = {attribute}, {attribute}
        while more:
            more = {
                name
                for name, receiver, method in methods
                if name not in found and any(_leads_to(method, f"{receiver}.{member}") for member in more)
            }
            found |= more
        return found

    # ------------------------------------------------------------------ who keeps an object

    def keeper(self, home: Module, class_: Class) -> Key | None:
        """The name under which the only objects of a class are kept for the life of the process."""
        key = (home.path, class_.qualname)
        if key not in self._keepers:
            self._keepers[key] = None
            self._keepers[key] = key if self.is_of_tasks(home, class_) else self._find_keeper(class_)
        return self._keepers[key]

    def is_of_tasks(self, home: Module, class_: Class) -> bool:
        """Whether a class is one of tasks: each process has one object of it for each task."""
        bases = self.project.bases(Entity("class", class_.qualname, home))
        return any(base.kind == "external" and base.name in TASK_CLASSES for base in bases)

    def is_let_go(self, home: Module, class_: Class, owned: Owned) -> bool:
        """Whether a method of a class forgets or ends what an attribute holds, as hooks of tasks do."""
        for base in self.project.bases(Entity("class", class_.qualname, home)):
            body, module = base.class_(), base.module
            for name, values in body.attributes.items() if body is not None and module is not None else ():
                if owned.value not in values or module is None or body is None:
                    continue
                makers = [
                    self.functions.around(module, value) for value in values if value.kind == "constant"
                ]
                if any(maker is not None and maker.name != "__init__" for maker in makers):
                    return True
                ends = [f":{body.qualname}().{name}.{method}\t" for method in sorted(RELEASES)]
                methods = (module.functions.get(f"{body.qualname}.{method}") for method in body.methods)
                return any(method is not None and method.mentions(*ends) for method in methods)
        return False

    def _find_keeper(self, class_: Class) -> Key | None:
        found: Key | None = None
        for module, function in self.project.holding(class_.name):
            for call in self.functions.calls(module, function):
                if call.leaf() != class_.name and call.leaf() != "cls":
                    continue
                made = self.project.resolve(module, call.chain)
                if made.kind != "class" or made.class_() is not class_:
                    continue
                keeper = self._kept_as(module, function, call.span.line)
                if keeper is None:
                    return None
                found = found or keeper
        return found

    def _kept_as(self, module: Module, function: Function, line: int) -> Key | None:
        """The name of a module that keeps what a call on a line of it makes."""
        for name, values in module.bindings.items():
            for value in values:
                if value.span.line <= line <= value.span.end_line:
                    return module.path, name
        return (module.path, function.qualname) if is_decorated(function, _ONCE) else None

    @once
    def set_from_outside(self) -> dict[tuple[str, str, str], Owned]:
        """What functions put into attributes of objects that modules keep: by path, name and attribute."""
        found: dict[tuple[str, str, str], Owned] = {}
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if (
                    assignment.subscript
                    or not assignment.key
                    or assignment.value.kind not in ("call", "name")
                ):
                    continue
                if assignment.target[:1] == "%" or assignment.target.endswith("()"):
                    continue
                holder = self.project.resolve(module, assignment.target)
                path, name = holder.origin or ("", "")
                if holder.kind == "class" and holder.module is not None:
                    path, name = holder.module.path, holder.name
                elif holder.kind != "instance" and holder.name not in NAMESPACES:
                    continue
                owned = self.held(module, assignment.value) if name else None
                maker = module.functions.get(assignment.function)
                if owned is not None and maker is not None and self._keeps(module, maker, assignment.value):
                    found.setdefault((path, name, assignment.key), owned)
        return found

    def _keeps(self, module: Module, maker: Function, value: Value) -> bool:
        """Whether a function leaves to the next run of the same code what it puts somewhere."""
        if maker.is_async and not is_asked_first(maker, value):
            return False  # every run makes its own
        return not self.knows_loop(module, maker)


def _leads_to(method: Function, chain: str) -> bool:
    """Whether a method calls, hands on or returns something under this chain."""
    for end in ("\t", "\n", ".", "("):
        if f"{chain}{end}" in f"{method.packed_calls}\t":
            return True
    if any(
        value.chain == chain or value.chain.startswith((f"{chain}.", f"{chain}(", f"{chain}["))
        for value in method.returns
    ):
        return True
    return method.states(f"\t{chain}\n") or method.packed_steps.endswith(f"\t{chain}")


def is_asked_first(function: Function, value: Value) -> bool:
    """Whether a function makes a value only where something holds: `if self._x is None`, or after an exit."""
    steps = list(function.steps())
    for step in steps:
        if step.kind == "assign" and step.span.line <= value.span.line <= step.span.end_line:
            outer = step
            while outer.parent >= 0:
                outer = steps[outer.parent]
                if outer.kind == "if":
                    return True
            return any(
                other.kind == "return" and steps[other.parent].kind == "if" and other.number < step.number
                for other in steps
                if other.parent >= 0
            )
    return False
