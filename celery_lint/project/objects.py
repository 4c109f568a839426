"""What objects hold that no statement of their class tells: what they are given, enter, or have taken in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from celery_lint.model.facts import Class, Function, Module, Value
from celery_lint.project.constants import FIELDS, LAZY
from celery_lint.project.entity import UNKNOWN, Entity
from celery_lint.project.functions import Functions
from celery_lint.project.modules import Modules

# Decorators and bases of classes whose objects keep what they are made with, each under its own name.
_DATA_DECORATORS = frozenset({"dataclass", "define"})
_DATA_BASES = frozenset({"BaseModel", "NamedTuple"})
_GETATTR = "builtins.getattr"
# Methods by which containers are asked for what they hold, where the container itself is not known.
_TAKING = frozenset({"find", "get", "require", "resolve", "setdefault", "take"})
# Providers of dependency-injector that make an object once.
_PROVIDERS = "dependency_injector.providers."
_ONCE = frozenset({"Singleton()", "ThreadLocalSingleton()", "ThreadSafeSingleton()"})


class Project(Protocol):
    """What the linked modules are asked here."""

    modules: Modules
    functions: Functions

    def attribute(self, entity: Entity, name: str) -> Entity:
        """An attribute of an entity."""

    def call(self, entity: Entity, value: Value | None) -> Entity:
        """What calling an entity gives."""

    def value_entity(self, module: Module, value: Value) -> Entity:
        """What an expression of a module means."""


def provided(project: Project, provider: Entity) -> Entity | None:
    """What a provider gives whenever it is called, if it makes that once."""
    kind = provider.name.removeprefix(_PROVIDERS)
    if kind == provider.name or provider.value is None or provider.module is None:
        return None
    maker = provider.value.first()
    if maker is None or kind not in _ONCE:
        return None
    whole = provider.value
    call = Value("call", whole.span, None, maker.chain, whole.items[1:], whole.keywords)
    made = project.call(project.value_entity(provider.module, maker), call)
    if made.kind not in ("external", "instance"):
        return UNKNOWN
    home = made.module or provider.module
    return made._replace(module=home, origin=provider.origin)


def entered(project: Project, entity: Entity, name: str) -> Entity:
    """The attribute of what the object gives that a ``with`` enters, where it has none of that name itself.

    ``with Scope() as loop: loop.close()`` says nothing of whose ``close`` it is.
    """
    method = project.attribute(entity, "__enter__") if name[:2] != "__" else UNKNOWN
    if method.function() is None:
        return UNKNOWN
    given = project.call(method, None)
    if given.kind == "external":
        return project.attribute(given, name)
    return UNKNOWN


def handed_on(project: Project, module: Module, value: Value, callee: Entity) -> Entity | None:
    """What a call gives that hands on what it is given: an attribute, a field, an object made late."""
    if callee.kind != "external":
        return None
    leaf, first = callee.name.rpartition(".")[2], value.first()
    if callee.name == _GETATTR:
        return asked_for(project, module, value)
    if leaf in LAZY and first is not None:
        return lazy(project, module, first)
    return field(project, module, value) if leaf in FIELDS else None


def asked_for(project: Project, module: Module, value: Value) -> Entity:
    """``getattr(settings, "NAME", default)``: what the attribute holds, where it is known to be there."""
    if (
        len(value.items) < 2
        or not isinstance(value.items[1].data, str)
        or not value.items[1].data.isidentifier()
    ):
        return UNKNOWN
    return project.attribute(project.value_entity(module, value.items[0]), value.items[1].data)


def is_open(found: Entity) -> bool:
    """Whether a class says nothing of an attribute, or has it from a base of classes of data."""
    return found.kind == "unknown" or found.name.partition("()")[0].rpartition(".")[2] in _DATA_BASES


def given(project: Project, entity: Entity, name: str) -> Entity:
    """What an attribute holds because the object was made with it: a field, or a parameter that it keeps."""
    class_, value, home = entity.class_(), entity.value, entity.module
    if class_ is None or value is None or home is None or value.kind != "call":
        return UNKNOWN
    path, origin = entity.origin or (home.path, "")
    maker, around = project.modules.get(path), None
    if maker is None or not origin or not _writes(maker, origin, value):
        maker, around = _returning(project, (maker, home), value)
    argument = _argument(home, class_, value, name) if maker is not None else None
    if maker is None or argument is None:
        return UNKNOWN
    found = project.value_entity(maker, argument if around is None else around.made(argument))
    if found.kind not in ("external", "instance"):
        return UNKNOWN
    known = found._replace(origin=found.origin or entity.origin)
    return known if known.module is not None else known._replace(module=maker)


def _writes(module: Module, name: str, value: Value) -> bool:
    """Whether a module binds a name to a value, or a function of this name returns it."""
    function = module.functions.get(name)
    return value in (module.bindings.get(name, ()) if function is None else function.returns)


def _returning(
    project: Project, modules: tuple[Module | None, ...], value: Value
) -> tuple[Module | None, Function | None]:
    """The function, in one of these modules, that returns a value."""
    for module in modules:
        around = project.functions.around(module, value) if module is not None else None
        if around is not None and value in around.returns:
            return module, around
    return None, None


def _argument(home: Module, class_: Class, value: Value, name: str) -> Value | None:
    init = home.functions.get(f"{class_.qualname}.__init__")
    if init is None:
        if not _is_data(class_):
            return None
        inherits = any(base.rpartition(".")[2] not in _DATA_BASES for base in class_.bases)
        fields = [] if inherits else list(class_.attributes)  # those of a base come before its own
        return _filled(value, name, fields)
    parameter = kept_parameter(class_, init, name)
    return _filled(value, parameter, init.filled()) if parameter else None


def _filled(value: Value, name: str, names: list[str]) -> Value | None:
    found = value.keyword(name)
    if found is None and name in names and not value.open_ended():
        position = names.index(name)
        found = value.items[position] if position < len(value.items) else None
    return found


def kept_parameter(class_: Class, init: Function, name: str) -> str:
    """The parameter of ``__init__`` that it puts into an attribute, known by its name or annotation."""
    values = [value for value in class_.attributes.get(name, ()) if value.kind != "constant"]
    if len(values) != 1 or values[0].kind != "name":
        return ""
    for parameter in init.parameters:
        annotated = parameter.annotation and values[0].chain == f"{parameter.annotation}()"
        if values[0].chain == f"%{parameter.name}" or (annotated and parameter.name == name.lstrip("_")):
            return parameter.name
    return ""


def _is_data(class_: Class) -> bool:
    """Whether the objects of a class keep under their own names what they are made with."""
    if any(value.chain.rpartition(".")[2].lstrip("~:") in _DATA_DECORATORS for value in class_.decorators):
        return True
    return any(base.rpartition(".")[2] in _DATA_BASES for base in class_.bases)


def part(project: Project, entity: Entity, place: int) -> Entity:
    """What stands at a place of a tuple or list that is written out, as a function returns it."""
    value, module = entity.value, entity.module
    if value is None or module is None or value.kind != "sequence" or place >= len(value.items):
        return UNKNOWN
    if any(item.data == "*" for item in value.items):
        return UNKNOWN
    maker = project.functions.around(module, value)
    item = value.items[place]
    return project.value_entity(module, maker.made(item) if maker is not None else item)


def field_at(entity: Entity, place: int) -> str:
    """The field that stands at a place of an object that can be unpacked: of a named tuple; else nothing."""
    class_ = entity.class_()
    if class_ is None or entity.kind != "instance":
        return ""
    named = any(base.rpartition(".")[2] == "NamedTuple" for base in class_.bases)
    fields = list(class_.attributes) if named else []
    return fields[place] if place < len(fields) else ""


def field(project: Project, module: Module, value: Value) -> Entity:
    """What a field holds by default: ``Field(default=300)``, ``field(default_factory=X)``."""
    factory, default = value.keyword("default_factory"), value.keyword("default") or value.first()
    if factory is not None:
        return lazy(project, module, factory)
    return project.value_entity(module, default) if default is not None else UNKNOWN


def lazy(project: Project, module: Module, factory: Value) -> Entity:
    """What a function or ``lambda`` gives that is called when its object is needed first."""
    returned = factory.first() if factory.kind == "lambda" else None
    made = project.value_entity(module, returned or factory)
    return made if returned is not None else project.call(made, None)


def lives_with_class(project: Project, module: Module, value: Value) -> bool:
    """Whether a value is made where a class is: once, and no default of a field that each object makes."""
    leaf = value.chain.rpartition(".")[2].lstrip("~:")
    return leaf not in FIELDS and project.functions.around(module, value) is None


def is_taken_out(resolve: Callable[[Module, str], Entity], module: Module, value: Value, depth: int) -> bool:
    """Whether a value comes out of a container: an item, or what a function gives that takes one."""
    chain = value.chain
    if not depth or chain[:1] in "%~" or value.kind not in ("name", "call"):
        return False
    if value.kind == "name":
        return chain.endswith("[]")
    callee = resolve(module, chain)
    function, home = callee.function(), callee.module
    if function is None or home is None:
        return callee.kind in ("unknown", "value") and chain.rpartition(".")[2] in _TAKING
    return any(is_taken_out(resolve, home, returned, depth - 1) for returned in function.returns)
