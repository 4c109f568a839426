"""The forms of asgiref's ``async_to_sync``: called at once, bound to a name, a decorator."""

from __future__ import annotations

from celery_lint.libraries.asyncio import ASYNC_TO_SYNC
from celery_lint.model.arguments import ABSENT, Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known, once

_LEAF = "async_to_sync"


class AsyncToSync:
    """The coroutine functions that ``async_to_sync`` has made plain ones."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    @once
    def names(self) -> frozenset[str]:
        """What the product calls the results: ``load_now = async_to_sync(load)``, ``@async_to_sync``."""
        found: set[str] = set()
        for module in self.project.product_modules():
            if not any(_LEAF in imported or imported.startswith("asgiref") for imported in _imports(module)):
                continue
            for name, values in module.bindings.items():
                if any(value.kind == "call" and value.chain.endswith(_LEAF) for value in values):
                    found.add(name)
            for function in module.functions.values():
                if any(_is_decorator(decorator) for decorator in function.decorators):
                    found.add(function.name)
        return frozenset(found)

    def is_bridge(self, entity: Entity) -> bool:
        """Whether calling an entity runs a coroutine through ``async_to_sync``."""
        if entity.kind == "external":
            return entity.name == f"{ASYNC_TO_SYNC}()"
        function = entity.function()
        return (
            function is not None
            and function.is_async
            and entity.module is not None
            and any(self._decorates(entity.module, decorator) for decorator in function.decorators[:1])
        )

    def _decorates(self, module: Module, decorator: Value) -> bool:
        return (
            _is_decorator(decorator) and self.project.resolve(module, decorator.chain).name == ASYNC_TO_SYNC
        )

    def target(self, module: Module, call: Call) -> tuple[Module, Function] | None:
        """The coroutine function behind a name that stands for ``async_to_sync(function)``."""
        entity = self.project.resolve(module, call.chain)
        function = entity.function()
        if function is not None and entity.module is not None:
            return entity.module, function
        given = entity.value.first() if entity.value is not None else None
        if given is None or entity.module is None:
            return None
        wrapped = self.project.value_entity(entity.module, given)
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
        here = [other for other in made if other.span[:2] == call.span[:2]]
        if here or len(made) == 1:
            return (here or made)[0].argument(0)
        return ABSENT


def _imports(module: Module) -> list[str]:
    return [*module.imports.values(), *module.star_imports]


def _is_decorator(decorator: Value) -> bool:
    return decorator.kind == "name" and decorator.chain.endswith(_LEAF)
