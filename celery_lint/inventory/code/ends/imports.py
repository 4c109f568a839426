"""Imports within functions that certainly fail: what they name is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.files.filter import Pair
from celery_lint.inventory.workers.loading.absent import Missing
from celery_lint.inventory.workers.loading.unimportable import Unimportable
from celery_lint.model.facts import Function, ImportStatement, Module
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known
from celery_lint.project.modules import leaf_of


class FailingImports:
    """The statements that take from modules of the project what these certainly lack."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.unimportable = known.of(Unimportable)

    def of(self, module: Module, function: Function) -> Iterator[int]:
        """The numbers of those statements of a function."""
        for step, _, _ in self.lacking(module, function):
            yield step.number

    def lacking(self, module: Module, function: Function) -> Iterator[tuple[Step, ImportStatement, Missing]]:
        """The same statements, with what each asks for and what is missing of it."""
        for step, statement in self._imports(module, function):
            missing = self.unimportable.missing(module, statement)
            if missing is not None:
                yield step, statement, missing

    def unread(self, functions: Iterable[Key]) -> Iterator[tuple[str, str]]:
        """The files that nobody has read, with the names that these functions take from them."""
        for module, function in self.project.modules.functions_at(functions):
            for _, statement in self._imports(module, function):
                yield from self.unimportable.unread_for(module, statement)

    @asking("quiet")
    def words(self, functions: Iterable[Key]) -> set[Pair]:
        """What these functions seem to take in vain, with the name of the module: another file may set it."""
        found: set[Pair] = set()
        for module, function in self.project.modules.functions_at(functions):
            for _, _, missing in self.lacking(module, function):
                if not missing.module:
                    found.add((missing.name, leaf_of(missing.path)))
        return found

    def _imports(self, module: Module, function: Function) -> Iterator[tuple[Step, ImportStatement]]:
        if not function.name or not function.has("import"):
            return
        for step in self.functions.of(module, function).steps:
            if step.kind != "import" or not step.chains:
                continue
            taken, *names = step.chains
            if taken[:1] != "=":
                yield (
                    step,
                    ImportStatement(
                        taken.replace("/", "."), tuple([name.partition("=")[0] for name in names]), step.span
                    ),
                )
            else:
                for each in step.chains:
                    yield step, ImportStatement(each[1:].replace("/", "."), (), step.span)
