"""Functions that make what a module keeps forget its connections: ``manager.reset()``, also by its name."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.entity import Key
from celery_lint.project.known import Known


class Resets:
    """What functions that stand around a run reset."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    def within(self, module: Module, function: Function) -> set[Key]:
        """The objects of modules that a function tells to forget what they hold."""
        found: set[Key] = set()
        for call in self.functions.calls(module, function):
            owner = call.chain.rpartition(".")[0]
            if not owner or owner[0] in "%~" or owner.endswith("()"):
                continue
            kept = self.project.resolve(module, owner)
            method = self.project.resolve(module, call.chain)
            if kept.origin is not None and self._forgets(method.module, method.function()):
                found.add(kept.origin)
        return found

    def _forgets(self, module: Module | None, method: Function | None) -> bool:
        """Whether a method sets an attribute of its object to ``None``, and waits for nothing."""
        if module is None or method is None or not method.owner or method.is_async:
            return False
        setting = (step for step in self.functions.of(module, method).steps if step.kind == "assign")
        return any(
            not step.stores and step.loads[:1] == (method.first(),) and step.value == "#None"
            for step in setting
        )

    def named(self, module: Module, function: Function) -> Iterator[tuple[Module, Function]]:
        """The functions that a function imports by the names in a table of its module, and calls.

        ``for path, name in RESETS: getattr(import_module(path), name)()``
        """
        if not function.may_call("import_module", "import_string"):
            return
        read = {name for step in self.functions.of(module, function).steps for name in step.loads}
        for name in sorted(read & module.bindings.keys()):
            for value in module.bindings[name]:
                for item in value.items:
                    target = self.project.resolve(module, _dotted(item))
                    found = target.function()
                    if found is not None and target.module is not None:
                        yield from self.graph.here(target.module, found)


def _dotted(item: Value) -> str:
    """The dotted path in an item of a table: one text, or the module and the name."""
    parts = item.items or (item,)
    texts = [part.data for part in parts if isinstance(part.data, str)]
    return ".".join(texts).replace(":", ".") if len(texts) == len(parts) else ""
