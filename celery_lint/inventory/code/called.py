"""What a call runs: the functions of the project that its chain names, and whose methods they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.project.entity import Entity
from celery_lint.project.project import Project
from celery_lint.project.tables import taken_out

#: Methods of context managers.
ENTERING = ("__enter__", "__aenter__", "__exit__", "__aexit__")


class Called(NamedTuple):
    """A function of the project that a chain names.

    ``receiver`` is the class of the object that it is a method of, where another class defines the method:
    what it calls of itself is looked up in that class. ``None`` for any other function.
    """

    module: Module
    function: Function
    receiver: Entity | None = None


def behind(project: Project, entity: Entity) -> Called | None:
    """The function that an entity is; a class stands for its ``__init__``."""
    function = entity.function()
    if function is not None and entity.module is not None:
        return Called(entity.module, function)
    if entity.kind == "class" and entity.module is not None:
        made = project.attribute(entity, "__init__")
        function = made.function()
        if function is not None and made.module is not None:
            return Called(made.module, function, _inheriting(entity, made.module, function))
    return None


Way = Literal["run", "taken out", "entered", "named"]
"""How a call leads to a function: it runs it, or one out of a table; a ``with`` enters its object; or the
call hands it on by name."""


def led_to(
    project: Project,
    module: Module,
    function: Function,
    call: Call,
    receiver: Entity | None,
    bound: Entity | None,
) -> Iterator[tuple[Called, Way]]:
    """The functions of the project that a call of a function leads to, if it is made, and in which way.

    ``receiver`` is the class of the object that the function is a method of, ``bound`` that of its task.
    """
    target = _of_itself(project, function, call.chain, receiver, bound)
    target = target or by_name(project, module, call.chain)
    if target is not None:
        yield target, "run"
    else:
        for target in from_table(project, module, call.chain):
            yield target, "taken out"
    for target in entered(project, module, call.chain) if call.is_context_manager else ():
        yield target, "entered"
    for chain in call.named:
        target = named(project, module, chain)
        if target is not None:
            yield target, "named"


def _of_itself(
    project: Project, function: Function, chain: str, receiver: Entity | None, bound: Entity | None
) -> Called | None:
    """What a method, or a task bound to itself, calls of its own object, or of one that it keeps.

    ``self.work()`` and ``self.client.fetch()``, looked up in the class of the object.
    """
    owner, _, name = chain.rpartition(".")
    if not name.isidentifier():
        return None
    first, *kept = owner.split(".")
    if first[:1] == "%" and first[1:] == function.first():
        receiver = bound
    elif not function.owner or first.removesuffix("()") != f":{function.owner}":
        return None
    if receiver is None:
        return None
    if not kept:
        found = method(project, receiver, name)
        return found._replace(receiver=receiver) if found is not None else None
    itself = receiver._replace(kind="instance")
    return method(project, project.follow(itself, [], kept), name)


def named(project: Project, module: Module, chain: str) -> Called | None:
    """The function, method or class that a chain names: an object that is only mentioned leads to none."""
    if not chain or chain[:1] == "%":
        return None
    entity = project.resolve(module, chain)
    found = behind(project, entity)
    if found is not None and entity.kind == "function" and found.function.owner:
        owner, _, _ = chain.rpartition(".")
        receiver = project.resolve(module, owner) if owner else None
        return found._replace(receiver=_inheriting(receiver, found.module, found.function))
    return found


def by_name(project: Project, module: Module, chain: str) -> Called | None:
    """The function that a call of this chain runs: what it names, or the ``__call__`` of an object."""
    found = named(project, module, chain)
    if found is not None or not chain or chain[:1] == "%":
        return found
    entity = project.resolve(module, chain)
    return method(project, entity, "__call__") if entity.kind == "instance" else None


def entered(project: Project, module: Module, chain: str) -> Iterator[Called]:
    """The methods that run where a ``with`` enters and leaves an object which this call makes."""
    made = project.resolve(module, chain)
    if made.kind == "class":
        yield from filter(None, [method(project, made, name) for name in ENTERING])


def from_table(project: Project, module: Module, chain: str) -> Iterator[Called]:
    """The functions that a chain may name by a constant table: ``TABLE[key]()``, ``TABLE[key]().run()``."""
    owner, _, name = chain.rpartition(".")
    if owner and name.isidentifier():
        found = [method(project, entity, name) for entity in taken_out(project, module, owner)]
    else:
        found = [behind(project, entity) for entity in taken_out(project, module, chain)]
    yield from filter(None, found)


def method(project: Project, owner: Entity, name: str) -> Called | None:
    """The method of this name of an object or a class."""
    entity = project.attribute(owner, name)
    found = behind(project, entity)
    if found is None or entity.kind != "function":
        return found
    return found._replace(receiver=_inheriting(owner, found.module, found.function))


def _inheriting(owner: Entity | None, module: Module, function: Function) -> Entity | None:
    """The class of an object that has a method from another class; ``None`` if the method is its own."""
    if owner is None or owner.kind not in ("class", "instance") or owner.module is None or not function.owner:
        return None
    if (owner.module.path, owner.name) == (module.path, function.owner):
        return None
    return Entity("class", owner.name, owner.module)


def calls_of(project: Project, module: Module, function: Function) -> Iterator[tuple[Module, Function, Call]]:
    """The calls of a function, wherever they stand in the product, each with who makes it."""
    for home, caller, call in project.functions.calls_named(project.modules.product, function.name):
        target = named(project, home, call.chain)
        if target is not None and (target.module, target.function) == (module, function):
            yield home, caller, call
