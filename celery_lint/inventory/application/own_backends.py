"""Result backends that the project writes itself, or patches, and what they do in a way of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.libraries.celery import BACKEND_PACKAGES, STORING_OF_BACKENDS, TELLING_OF_BACKENDS
from celery_lint.model.facts import Class, Module, Value
from celery_lint.project.entity import Entity
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

_WATCHED = TELLING_OF_BACKENDS | STORING_OF_BACKENDS
_DECIDING = frozenset({"if", "match", "try", "while", "with"})


class OwnBackends:
    """What the project lets result backends do in place of what Celery lets them do.

    A class counts where anything names it: it is given to an application, or set by its path.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    @property
    def read(self) -> bool:
        """Whether what is stored is read in a way of the project's own."""
        return not self._replaced.isdisjoint(TELLING_OF_BACKENDS)

    @property
    def store(self) -> bool:
        """Whether states are stored in a way of the project's own."""
        return not self._replaced.isdisjoint(STORING_OF_BACKENDS)

    @once
    def _replaced(self) -> frozenset[str]:
        """The methods of backends that the project replaces."""
        found = set(self._patched())
        for module in self.project.product_modules():
            for class_ in module.classes.values():
                if class_.bases and (methods := self._methods(module, class_)) and self._is_named(class_):
                    found |= methods
        return frozenset(found)

    # ------------------------------------------------------------------ classes

    def _methods(self, module: Module, class_: Class) -> set[str]:
        """The methods that a class of backends has in place of those of Celery's."""
        found: set[str] = set()
        of_celery = False
        for base in self.project.bases(Entity("class", class_.qualname, module)):
            own = base.class_()
            if own is None:
                of_celery = of_celery or base.name.startswith(BACKEND_PACKAGES)
            elif base.module is not None:
                found |= {
                    name
                    for name in _WATCHED
                    if name in own.attributes
                    or (name in own.methods and self._differs(base.module, own, name))
                }
        return found if of_celery else set()

    def _differs(self, module: Module, class_: Class, name: str) -> bool:
        """Whether a method does something else than to hand its arguments on to that of the base."""
        function = module.functions.get(f"{class_.qualname}.{name}")
        if function is None:
            return True
        flow = self.functions.of(module, function)
        parameters = {parameter.name for parameter in function.parameters}
        return (
            any(step.kind in _DECIDING or not parameters.isdisjoint(step.stores) for step in flow.steps)
            or not any(
                call.leaf() == name and all(given.chain[:1] == "%" for given in call.takes)
                for call in self.functions.calls(module, function)
            )
            or not _gives_on(flow, name)
        )

    def _is_named(self, class_: Class) -> bool:
        """Whether anything gives a class to somebody: code that makes it or hands it on, or its path."""
        name = class_.name
        if any(self.project.holding(name)) or any(_names(value, name) for value in self._kept_values()):
            return True
        return any(not path.endswith(".py") for path in self.project.deployment.written.lines(name))

    def _kept_values(self) -> Iterator[Value]:
        """What the names, the attributes and the settings of the product are bound to."""
        for module in self.project.product_modules():
            for values in module.bindings.values():
                yield from values
            for class_ in module.classes.values():
                for values in class_.attributes.values():
                    yield from values
            for assignment in module.assignments:
                yield assignment.value

    # ------------------------------------------------------------------ patches

    def _patched(self) -> Iterator[str]:
        """The methods that are set on a backend, or on a class of them: ``Backend.decode_result = mine``."""
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.key in _WATCHED and not assignment.subscript:
                    owner = assignment.target
                    of_celery = self.project.resolve(module, owner).name.startswith(BACKEND_PACKAGES)
                    if of_celery or owner.rpartition(".")[2] in ("backend", "_backend"):
                        yield assignment.key


def _gives_on(flow: Flow, name: str) -> bool:
    """Whether a function returns what a method of this name gives it, or nothing at all."""
    ends = [step for step in flow.steps if step.kind == "return"]
    return all(step.value.endswith(f".{name}()") for step in ends)


def _names(value: Value, name: str) -> bool:
    """Whether an expression names a class, as it is or by its path in a text."""
    if value.chain.rpartition(".")[2].lstrip(":~").rstrip("()") == name:
        return True
    if isinstance(value.data, str) and name in value.data:
        return True
    inner: Iterable[Value] = (*value.items, *(item for _, item in value.keywords))
    return any(_names(item, name) for item in inner)
