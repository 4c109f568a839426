"""Modules that make tasks of an application which is ``None`` there: their import raises AttributeError.

``app = None`` at the top of a module, which functions bind by ``global`` that nothing of the product calls:
``@app.task`` asks ``None`` for ``task``.
"""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.files.filter import Pair
from celery_lint.inventory.workers.loading.absent import Missing
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import ANYTHING, Function, Module
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.set_attributes import SetAttributes

_MAKING = ".task"
# The columns in which the names of functions begin at the left margin.
_BEFORE, _BEFORE_ASYNC = len("def ") + 1, len("async def ") + 1


class NeverMade:
    """What modules lack that make tasks of no application."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.set_attributes = known.of(SetAttributes)
        self._is_none: dict[Key, bool] = {}

    @once
    def all(self) -> dict[str, Missing]:
        """The name that is ``None``, and its module, by the paths of the modules that make tasks of it."""
        found: dict[str, Missing] = {}
        for module in self.project.product_modules() if self._names else ():
            for function in module.functions.decorated():
                for decorator in function.decorators:
                    owner = decorator.chain.removesuffix(_MAKING)
                    if owner == decorator.chain or module.path in found:
                        continue
                    if leaf_of_chain(owner).lstrip(":") not in self._names or not _is_at_the_top(function):
                        continue
                    origin = self.project.resolve(module, owner).origin
                    if origin is not None and self._is_none_there(origin):
                        found[module.path] = Missing(*origin)
        return found

    @once
    def _names(self) -> frozenset[str]:
        """The names that modules bind to ``None``, and otherwise in functions, under whatever other name."""
        found = set()
        for module in self.project.product_modules():
            for name in module.hidden:
                if any(v.kind == "constant" and v.data is None for v in module.bindings.get(name, ())):
                    found.add(name)
        if found:
            modules = self.project.product_modules()
            found.update(a for m in modules for a, t in m.imports.items() if t.rpartition(".")[2] in found)
        return frozenset(found)

    def words(self) -> set[Pair]:
        """What other files must hold that set the name or call what makes the application."""
        found: set[Pair] = set()
        for path, name in {(missing.path, missing.name) for missing in self.all.values()}:
            makers = _binding(self.project.modules[path], name)
            found.update((word, leaf_of(path)) for word in (name, *(maker.name for maker in makers)))
        return found

    def _is_none_there(self, origin: Key) -> bool:
        """Whether a name of a module is ``None`` for whoever imports it."""
        if origin not in self._is_none:
            module = self.project.modules.find(origin[0])
            self._is_none[origin] = module is not None and self._stays_none(module, origin[1])
        return self._is_none[origin]

    def _stays_none(self, module: Module, name: str) -> bool:
        if name in module.imports or name in module.functions or name in module.classes:
            return False
        if module.star_imports or ANYTHING in module.hidden or name in self.set_attributes.names:
            return False
        values = module.bindings.get(name, ())
        bound = [v for v in values if not getattr(self.functions.around(module, v), "name", "")]
        if not bound or any(value.kind != "constant" or value.data is not None for value in bound):
            return False
        makers = list(_binding(module, name))
        if not makers and name in module.hidden:
            return False
        return not any(
            maker.decorators or maker.owner or maker.parent or self._is_asked_for(maker) for maker in makers
        )

    def _is_asked_for(self, maker: Function) -> bool:
        """Whether anything may call a function: other code says its name, or a command does."""
        if any(function is not maker for _, function in self.project.holding(maker.name)):
            return True
        deployment = self.project.deployment
        if any(maker.name in command.app for command in (*(deployment.commands or ()), *deployment.others)):
            return True
        modules = self.project.product_modules()
        if any(t.rpartition(".")[2] == maker.name for module in modules for t in module.all_imports):
            return True
        if any(function is not maker for _, function, _ in self.functions.saying(modules, {maker.name})):
            return True
        return any(
            maker.name in value.chain or (isinstance(value.data, str) and maker.name in value.data)
            for module in modules
            for name, values in module.bindings.items()
            if name != "__all__"
            for value in values
        )


def _binding(module: Module, name: str) -> Iterator[Function]:
    """The functions of a module that bind one of its names."""
    for function in module.functions.stating(name):
        if any(step.kind == "global" and name in step.stores for step in function.steps()):
            yield function


def _is_at_the_top(function: Function) -> bool:
    """Whether a function is made whenever its module is imported: it stands under nothing else."""
    first = _BEFORE_ASYNC if function.is_async else _BEFORE
    return not function.parent and not function.owner and function.span.column == first
