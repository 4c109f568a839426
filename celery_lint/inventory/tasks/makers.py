"""What turns functions into tasks: Celery's own decorators, and what of the project applies them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.application.applications import Applications, is_application, is_current
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known

Option = tuple[Module, Value]

_SHARED = frozenset(
    [
        "celery.shared_task",
        "celery.app.shared_task",
        "celery.app.base.shared_task",
        "celery.task",
        "celery.task.task",
        "celery.decorators.task",
        "celery.task.base.task",
        "celery.task.periodic_task",
        "celery.decorators.periodic_task",
    ]
)
# Such a task belongs to whichever application there is, as a shared one does.
_MADE_BY_CURRENT = (".task", ".task()", ".periodic_task")
_MAKER_ENDS = ("shared_task", "task", "partial")
_OF_APPLICATIONS = "~super().task"
_DEEPEST = 4


class Maker(NamedTuple):
    """Something that turns functions into tasks: where its options come from, and whose tasks they are."""

    application: Key | None
    options: tuple[Option, ...] = ()
    wrapper: Key | None = None


class Makers:
    """The task makers of a project, resolved on demand. ``wrappers`` are those that the project wrote."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.wrappers: dict[Key, Maker] = {}
        self._makers: dict[Key, Maker | None] = {}
        self._named = frozenset(self.project.configuration.task_decorators)

    def maker(self, module: Module, value: Value, depth: int = 0) -> Maker | None:
        """The maker that a decorator expression is; its own arguments come first among the options."""
        if depth > _DEEPEST:
            return None
        if value.kind == "name":
            found = self.maker_of(self.project.resolve(module, value.chain), depth)
            found = self._owned(found, module, value.chain)
            return found or self._of_hidden(module, value.chain) or self._configured(value.chain)
        if value.kind != "call":
            return None
        inner = value.keyword("()")
        if inner is not None:
            return None
        callee = self.project.resolve(module, value.chain)
        found = self._owned(self.maker_of(callee, depth), module, value.chain)
        found = found or self._of_hidden(module, value.chain)
        found = found or self._configured(value.chain)
        if found is None and callee.kind == "external" and callee.name == "functools.partial":
            found = self._partial(module, value, depth)
        return found._replace(options=((module, value), *found.options)) if found is not None else None

    def _owned(self, found: Maker | None, module: Module, chain: str) -> Maker | None:
        """The maker that is a method of an application's own class, with the application."""
        if found is None or found.application is not None or found.wrapper is None:
            return found
        owner, _, leaf = chain.rpartition(".")
        if not owner or found.wrapper[1].rpartition(".")[2] != leaf or "." not in found.wrapper[1]:
            return found
        application = self.applications.get(self.project.resolve(module, owner).origin)
        return found._replace(application=application.origin) if application is not None else found

    def _of_hidden(self, module: Module, chain: str) -> Maker | None:
        """``app.task`` of an application that nobody can see the class of."""
        owner, _, leaf = chain.rpartition(".")
        if leaf != "task" or not owner or self.project.resolve(module, chain).kind != "unknown":
            return None
        application = self.applications.get(self.project.resolve(module, owner).origin)
        return Maker(application.origin) if application is not None else None

    def _configured(self, chain: str) -> Maker | None:
        if self._named:
            plain = chain.lstrip(":.~")
            if plain in self._named or plain.rpartition(".")[2] in self._named:
                return Maker(None)
        return None

    def is_only_configured(self, module: Module, value: Value) -> bool:
        """Whether a decorator makes tasks because the configuration says so, and nobody knows how."""
        return (
            self._configured(value.chain) is not None
            and self.maker_of(self.project.resolve(module, value.chain)) is None
        )

    def maker_in(self, module: Module, function: Function, value: Value, depth: int = 0) -> Maker | None:
        """The maker that an expression in a function is: ``super().task`` in a class of applications, too."""
        if value.chain == _OF_APPLICATIONS and value.keyword("()") is None:
            owner = module.classes.get(function.qualname.partition("/")[0].rpartition(".")[0])
            bases = self.project.bases(Entity("class", owner.qualname, module)) if owner is not None else ()
            if any(base.kind == "external" and is_application(f"{base.name}()") for base in bases):
                return Maker(None, ((module, value),))
            return None
        return self.maker(module, value, depth)

    def maker_for(self, module: Module, function: Function, value: Value) -> Maker | None:
        """The maker that a decorator of a function is: also of an application that others hand over.

        ``def register(celery): @celery.task …``, which is run as ``register(celery)`` where one is made.
        """
        if value.chain[:1] != "%":
            return self.maker(module, value)
        name, _, leaf = value.chain[1:].partition(".")
        if f".{leaf}" not in _MADE_BY_CURRENT or value.keyword("()") is not None:
            return None
        found = self._handed(module, function.parent, name, 0)
        return Maker(found, ((module, value),) if value.kind == "call" else ()) if found is not None else None

    def _handed(self, module: Module, inside: str, name: str, depth: int) -> Key | None:
        """The application that callers hand to the function, or one around it, that has this parameter."""
        around = module.functions.get(inside)
        while around is not None and not around.takes(name):
            around = module.functions.get(around.parent) if around.parent else None
        if around is None or around.owner or depth > _DEEPEST:
            return None
        places = around.filled()  # a parameter that is given by its name alone has none
        for other, caller in self.project.calling(around.name):
            for call in self.project.functions.calls(other, caller):
                if (
                    call.leaf() != around.name
                    or self.project.resolve(other, call.chain).function() is not around
                ):
                    continue
                given = call.argument(places.index(name), name) if name in places else call.keyword(name)
                if given.chain[:1] == "%":
                    found = self._handed(other, caller.qualname, given.chain[1:], depth + 1)
                else:
                    found = self._application(other, caller, given.chain)
                if found is not None:
                    return found
        return None

    def _application(self, module: Module, function: Function, chain: str) -> Key | None:
        """The application that a chain means in a function, by the name that it is bound to somewhere."""
        entity = self.project.resolve(module, chain)
        if self.applications.get(entity.origin) is not None:
            return entity.origin
        if self.applications.class_of(entity) is None:
            return None
        made_here = (module.path, function.qualname.partition("/")[0])
        callee = self.project.resolve(module, chain.removesuffix("()"))
        made_there = callee.module.path if callee.module is not None else "", callee.name
        application = self.applications.coming_through(made_there) or self.applications.coming_through(
            made_here
        )
        return application.origin if application is not None else ("", f"{entity.name}.task")

    def _partial(self, module: Module, value: Value, depth: int) -> Maker | None:
        given = value.first()
        if given is None:
            return None
        found = self.maker(module, given, depth + 1)
        return found._replace(options=((module, value), *found.options)) if found is not None else None

    def maker_of(self, entity: Entity, depth: int = 0) -> Maker | None:
        """The maker that an entity is."""
        if depth > _DEEPEST:
            return None
        if entity.kind == "external":
            name = entity.name
            if name in _SHARED:
                return Maker(None)
            options = ((entity.module, entity.value),) if entity.value is not None and entity.module else ()
            if name.endswith("()") and name[:-2] in _SHARED:
                return Maker(None, options)
            used = self.applications.get(entity.origin) is not None
            owner = name.removesuffix("()").rpartition(".")[0]
            if is_current(owner) and not used and name.endswith(_MADE_BY_CURRENT):
                return Maker(None, options if name.endswith("()") else ())
            if name.endswith((".task", ".periodic_task")) and (used or is_application(owner)):
                return Maker(entity.origin or ("", name))
            if name.endswith(".task()") and (used or is_application(owner)):
                return Maker(entity.origin or ("", name), options)
            return None
        if entity.kind == "partial" and entity.module is not None and entity.value is not None:
            return self._partial(entity.module, entity.value, depth)
        if entity.kind in ("function", "class", "instance") and entity.module is not None:
            return self._wrapper(entity.module, entity, depth)
        return None

    def _wrapper(self, module: Module, entity: Entity, depth: int) -> Maker | None:
        """The maker that a function or class of the project is, because it applies one to what it gets."""
        key = (module.path, entity.name)
        if key in self._makers:
            return self._makers[key]
        self._makers[key] = None  # a wrapper that calls itself
        found: Maker | None = None
        for candidate in self.project.functions.within(module, entity.name):
            found = self._applied_in(module, candidate, key, depth)
            if found is not None:
                break
        self._makers[key] = found
        if found is not None:
            self.wrappers[key] = found
        return found

    def possible_wrappers(self) -> Iterator[Key]:
        """The functions and classes that may be decorators for tasks, used as such so far or not."""
        for path, module in self.project.modules.items():
            for function in module.functions.telling():
                if function.name and self._applies(module, function):
                    yield path, function.qualname.partition("/")[0].partition(".")[0]

    def _applies(self, module: Module, function: Function) -> bool:
        values = [value for _, value in function.values]
        if function.is_nested():
            values.extend(function.decorators)
        return any(value.chain.endswith(_MAKER_ENDS) and self.maker(module, value) for value in values)

    def _applied_in(self, module: Module, function: Function, key: Key, depth: int) -> Maker | None:
        for _, value in function.values:
            found = self.maker_in(module, function, value, depth + 1)
            if found is not None:
                return found._replace(wrapper=key)
        for decorator in function.decorators if function.is_nested() else ():
            found = self.maker(module, decorator, depth + 1)
            if found is not None:
                return found._replace(wrapper=key)
        for call in function.calls():
            if not call.chain.startswith("%") and call.chain.endswith("()"):
                called = self.project.resolve(module, call.chain.removesuffix("()"))
                if called.kind in ("function", "class") and called.name != key[1]:
                    found = self.maker_of(called, depth + 1)
                    if found is not None:
                        return found._replace(wrapper=key)
        return None
