"""Imports of modules that only the run knows: all of a package, a file, a computed name."""

from __future__ import annotations

from celery_lint.inventory.workers.loading.imported import IMPORTING_BY_NAME, NAMES_OF_IMPORTING
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.project.known import Known, once

#: What loads a file by its path, whatever its name is.
BY_PATH = (
    "spec_from_file_location", "SourceFileLoader", "run_path", "load_source", "exec_module", "load_module",
)  # fmt: skip
#: What may import a module that no import and no text names.
UNKNOWN_IMPORTS = NAMES_OF_IMPORTING.union(BY_PATH)
#: Those that import what the metadata of a distribution names.
OF_DISTRIBUTIONS = frozenset(
    {"entry_points", "iter_entry_points", "load_entry_point", "load_setuptools_entrypoints"}
)


class UnknownImports:
    """Whether code imports what no text of the project names."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    @once
    def any(self) -> bool:
        """Whether any code of the product does so."""
        return any(
            call.leaf() in UNKNOWN_IMPORTS
            and not call.chain.endswith("()")  # what an import gives is called: the import comes before
            and not call.argument(0).text
            and not self._is_listed(module, function, call)
            for module, function in self.project.calling(*IMPORTING_BY_NAME, *BY_PATH)
            for call in self.functions.calls(module, function)
        )

    def _is_listed(self, module: Module, function: Function, call: Call) -> bool:
        """Whether it imports one after another what a list of the module names by texts.

        ``for path in HANDLERS: import_string(path)(message)``
        """
        name = call.argument(0).chain.removeprefix("%")
        steps = self.functions.of(module, function).steps
        bound = [step for step in steps if name in step.stores] if name.isidentifier() else []
        if not bound or function.takes(name) or not all(step.kind == "for" for step in bound):
            return False
        return all(
            len(step.stores) == 1
            and len(step.loads) == 1
            and len(values := module.bindings.get(step.loads[0], ())) == 1
            and values[0].kind == "sequence"
            and all(isinstance(item.data, str) for item in values[0].items)
            for step in bound
        )
