"""Classes that a decorator makes tasks, and who asks for them: by their name, or by that of the task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.inventory.tasks.names import ModuleNames
from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.workers.naming import holding
from celery_lint.model.facts import Class, Module, Value
from celery_lint.model.words import held
from celery_lint.project.known import Known, once


class AskedClasses:
    """Whether the product sends a class, has its task in a schedule in force, derives from it, or names it.

    Neither what a package offers and imports does so, nor what tests make objects of.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.names = known.of(ModuleNames)
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)

    def holds(self, module: Module, class_: Class) -> bool:
        """Whether anything of that is so."""
        return not self._sent.isdisjoint(self._names(module, class_)) or any(
            self._means(other, chain, module, class_) for other, chain in self._chains(module, class_)
        )

    def _names(self, module: Module, class_: Class) -> Iterator[str]:
        """The names that the task may have: its decorator's, its own, and that of its module."""
        yield f"{self.names.of(module.path)}.{class_.name}"
        given = [value.keyword("name") for value in class_.decorators]
        for value in (*given, *class_.attributes.get("name", ())):
            text = self.names.text(module, value) if value is not None else None
            if text:
                yield text

    @once
    def _sent(self) -> frozenset[str]:
        """The texts that calls send as names of tasks, and those of schedules in force."""
        calls = [each.call.argument(0, "name").text for each in self.sendings.all]
        return frozenset([*calls, *(name for _, name, _ in self.schedules.named)])

    def _chains(self, module: Module, class_: Class) -> Iterator[tuple[Module, str]]:
        """The chains that may name it: as a base, in what modules bind, and in functions but its own."""
        for other in self.project.product_modules():
            for value in holding(self.functions, other, class_.name):
                yield from ((other, each.chain) for each in held(value))
            for each in other.classes.values():
                yield from ((other, base) for base in each.bases)
                yield from ((other, base) for base in _base(each.decorators))
            for function in other.functions.decorated():
                yield from ((other, base) for base in _base(function.decorators))
        for other, function, _ in self.functions.saying(self.project.product_modules(), {class_.name}):
            if other is module and function.owner.partition(".")[0] == class_.name:
                continue
            for call in self.functions.calls(other, function):
                yield from ((other, chain) for chain in (call.chain, *call.named))
            for step in self.functions.of(other, function).steps if function.name else ():
                yield from ((other, chain) for chain in step.chains if step.kind != "import")

    def _means(self, other: Module, chain: str, module: Module, class_: Class) -> bool:
        """Whether a chain begins with the class."""
        before, name, _ = chain.partition(class_.name)
        if not name or (before and before[-1] not in ".:~!="):
            return False
        entity = self.project.resolve(other, f"{before}{name}".lstrip("!="))
        return entity.module is module and entity.name == class_.qualname


def _base(decorators: Iterable[Value]) -> Iterator[str]:
    """What tasks are told to have for a base."""
    given = [value.keyword("base") for value in decorators]
    return (value.chain for value in given if value is not None)
