"""Where words stand in a product: in what modules bind, and in what their functions say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from celery_lint.inventory.workers.naming import naming
from celery_lint.model.facts import Function, Module
from celery_lint.model.records import NamedTuple
from celery_lint.model.words import given_words
from celery_lint.project.known import Known, once


class Mention(NamedTuple):
    """Where a word stands; ``function`` is ``None`` in what a module or a class binds."""

    module: Module
    function: Function | None

    @property
    def key(self) -> tuple[str, str | None]:
        """Path and qualified name."""
        return self.module.path, None if self.function is None else self.function.qualname


class Mentions:
    """Questions about words, of which each goes through all modules: ask for many at once."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    @once
    def modules(self) -> list[Module]:
        """Those whose words count: a test or an example is no run of the product."""
        return [
            module
            for module in self.project.modules.values()
            if self.project.modules.is_product(module.path) or "migrations" in module.path
        ]

    def of(self, names: Collection[str]) -> dict[str, list[Mention]]:
        """Where these names stand."""
        found: dict[str, list[Mention]] = {}
        for name, mention in self.within(self.modules, names) if names else ():
            found.setdefault(name, []).append(mention)
        return found

    def within(self, modules: Sequence[Module], names: Collection[str]) -> Iterator[tuple[str, Mention]]:
        """Where modules hold one of these names, and which."""
        outside, given = naming(self.functions, modules, names)
        for module in modules:
            for name in outside.get(module.path, ()):
                yield name, Mention(module, None)
            inside = given.get(module.path, set())
            for _, function in module.functions.every() if inside else ():
                for name in inside.intersection(given_words(function)):
                    yield name, Mention(module, function)
        for module, function, said in self.functions.saying(modules, names):
            yield from [(name, Mention(module, function)) for name in said]


def stands_in(module: Module, function: Function, tasks: Collection[tuple[str, str]]) -> bool:
    """Whether a function is, or stands in, that of one of these tasks."""
    around = function.qualname
    while around:
        if (module.path, around) in tasks:
            return True
        around = around.rpartition("/")[0]
    return False
