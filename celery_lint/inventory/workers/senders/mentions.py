"""Where words stand in a product: in what modules bind, and in what their functions say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from celery_lint.inventory.workers.naming import naming
from celery_lint.model.facts import Function, Module
from celery_lint.model.records import NamedTuple
from celery_lint.model.words import given_words
from celery_lint.project.project import Project


class Mention(NamedTuple):
    """Where a word stands; ``function`` is ``None`` in what a module or a class binds."""

    module: Module
    function: Function | None

    @property
    def key(self) -> tuple[str, str | None]:
        """Path and qualified name."""
        return self.module.path, None if self.function is None else self.function.qualname


def modules_that_count(project: Project) -> list[Module]:
    """Those whose words count: a test or an example is no run of the product."""
    return [
        module
        for module in project.modules.values()
        if project.modules.is_product(module.path) or "migrations" in module.path
    ]


def mentions_of(project: Project, names: Collection[str]) -> dict[str, list[Mention]]:
    """Where these names stand: each question goes through all modules, so ask for many at once."""
    found: dict[str, list[Mention]] = {}
    for name, mention in mentions_in(project, modules_that_count(project), names) if names else ():
        found.setdefault(name, []).append(mention)
    return found


def mentions_in(
    project: Project, modules: Sequence[Module], names: Collection[str]
) -> Iterator[tuple[str, Mention]]:
    """Where modules hold one of these names, and which."""
    outside, given = naming(project.functions, modules, names)
    for module in modules:
        for name in outside.get(module.path, ()):
            yield name, Mention(module, None)
        inside = given.get(module.path, set())
        for _, function in module.functions.every() if inside else ():
            for name in inside.intersection(given_words(function)):
                yield name, Mention(module, function)
    for module, function, said in project.functions.saying(modules, names):
        yield from [(name, Mention(module, function)) for name in said]


def stands_in(module: Module, function: Function, tasks: Collection[tuple[str, str]]) -> bool:
    """Whether a function is, or stands in, that of one of these tasks."""
    around = function.qualname
    while around:
        if (module.path, around) in tasks:
            return True
        around = around.rpartition("/")[0]
    return False
