"""The forms of asgiref's ``async_to_sync``: called at once, bound to a name, a decorator.

``runnify`` of asyncer has the same, and runs each coroutine on a loop of its own.
"""

from __future__ import annotations

from celery_lint.libraries.asyncio import ASYNC_TO_SYNC, ASYNC_TO_SYNC_CLASS, RUNNIFY
from celery_lint.model.arguments import ABSENT, Argument
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known, once

_LEAVES = ("async_to_sync", "AsyncToSync", "runnify")
_PACKAGES = ("asgiref", "asyncer")
_MAKERS = RUNNIFY | {ASYNC_TO_SYNC}


class AsyncToSync:
    """The coroutine functions that ``async_to_sync`` has made plain ones."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    @once
    def names(self) -> frozenset[str]:
        """What the product calls the results: ``load_now = async_to_sync(load)``, ``@async_to_sync``.

        And what it calls its own functions that give one: ``plain(load)(pk)``.
        """
        found: set[str] = set()
        for module in self.project.product_modules():
            if not _may_make(module):
                continue
            for name, values in module.bindings.items():
                if any(value.kind == "call" and value.chain.endswith(_LEAVES) for value in values):
                    found.add(name)
            for function in module.functions.decorated():
                if any(map(_is_decorator, function.decorators)):
                    found.add(function.name)
        return frozenset(found | self._makers | self._made)

    @once
    def _makers(self) -> set[str]:
        """What the product calls its functions that return what ``async_to_sync`` makes of a parameter."""
        return {
            function.name
            for module in self.project.product_modules()
            if _may_make(module)
            for function in module.functions.calling(*_LEAVES)
            if any(map(_is_made, function.returns))
        }

    @once
    def _made(self) -> set[str]:
        """What the product calls the results of these: ``load_now = plain(load)``, ``@plain``."""
        found: set[str] = set()
        if not self._makers:
            return found
        for module in self.project.product_modules():
            for name, values in module.bindings.items():
                # Also another name of one of them: `plain = Bridges.plain`.
                if any(
                    value.kind in ("call", "name") and leaf_of_chain(value.chain) in self._makers
                    for value in values
                ):
                    found.add(name)
            for function in module.functions.decorated():
                if any(leaf_of_chain(decorator.chain) in self._makers for decorator in function.decorators):
                    found.add(function.name)
        return found

    def made_by(self, entity: Entity) -> str:
        """What has made a plain function of a coroutine function, by its dotted path, or nothing."""
        if entity.kind == "external":
            return _maker(entity.name)
        function = entity.function()
        if function is None or not function.is_async or entity.module is None:
            return ""
        return next((self._decorates(entity.module, value) for value in function.decorators[:1]), "")

    def _decorates(self, module: Module, decorator: Value) -> str:
        if _is_decorator(decorator):
            return _maker(f"{self.project.resolve(module, decorator.chain).name}()")
        if leaf_of_chain(decorator.chain) not in self._makers:
            return ""
        return _maker(self.project.call(self.project.resolve(module, decorator.chain), None).name)

    def target(self, module: Module, call: Call) -> tuple[Module, Function] | None:
        """The coroutine function behind a name that stands for ``async_to_sync(function)``."""
        entity = self.project.resolve(module, call.chain)
        function = entity.function()
        if function is not None and entity.module is not None:
            return entity.module, function
        home, value = entity.module, entity.value
        if entity.origin is not None:  # the maker may be a function of the project, with a name for its own
            home = self.project.modules[entity.origin[0]]
            bound = home.bindings.get(entity.origin[1], ())
            value = next((value for value in bound if value.kind == "call"), value)
        given = value.first() if value is not None else None
        if given is None or home is None:
            return None
        wrapped = self.project.value_entity(home, given)
        function = wrapped.function()
        return (wrapped.module, function) if function is not None and wrapped.module is not None else None

    def argument(self, module: Module, function: Function, call: Call) -> Argument:
        """The coroutine function inside ``async_to_sync(f)(x)``.

        In ``run = async_to_sync(f)`` and ``run(x)`` it stands elsewhere, and is known if there is only one.
        """
        made = [
            other
            for other in self.functions.calls(module, function)
            if other.chain == call.chain.removesuffix("()") and other.takes
        ]
        here = [other for other in made if other.span.start == call.span.start]
        if here or len(made) == 1:
            return (here or made)[0].argument(0)
        return ABSENT


def _may_make(module: Module) -> bool:
    imported = [*module.imports.values(), *module.star_imports]
    return any(name.endswith(_LEAVES) or name.startswith(_PACKAGES) for name in imported)


def _maker(name: str) -> str:
    """The maker of a dotted path that is a call of it."""
    maker = name[:-2] if name.endswith("()") else ""
    if maker == ASYNC_TO_SYNC_CLASS:
        return ASYNC_TO_SYNC
    return maker if maker in _MAKERS else ""


def _is_made(value: Value) -> bool:
    """Whether a value is a function that ``async_to_sync`` has made, or may be one."""
    if value.kind == "either":
        return any(map(_is_made, value.items))
    return value.kind == "call" and value.chain.endswith(_LEAVES)


def _is_decorator(decorator: Value) -> bool:
    return decorator.kind == "name" and decorator.chain.endswith(_LEAVES)
