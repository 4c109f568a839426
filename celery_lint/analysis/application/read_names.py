"""Names of settings that the project itself reads, whatever Celery makes of them."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.model.facts import Module, Value
from celery_lint.model.words import held
from celery_lint.project.known import Known

# Calls that ask an object for what has a name.
_ASKING = frozenset({"getattr", "~getattr", "get"})


class ReadNames:
    """Which names the code of a project asks for."""

    def __init__(self, known: Known) -> None:
        self.project = known.project

    def is_read(self, key: str) -> bool:
        """Whether the project itself reads what has this name."""
        return any(self._reads(module, key) for module in self.project.modules.values())

    def _reads(self, module: Module, key: str) -> bool:
        if any(target.rpartition(".")[2] == key for target in module.imports.values()):
            return True
        stating = module.functions.stating(f".{key}")
        if any(self._loaded_in(module, function.qualname, key) for function in stating):
            return True
        for function in module.functions.holding(key):
            for call in self.project.functions.calls(module, function):
                asked = call.leaf() in _ASKING and "environ" not in call.chain
                if _ends(call.chain, key) or any(
                    _ends(given.chain, key) or (asked and given.text == key) for given in call.takes
                ):
                    return True
        values = [value for values in module.bindings.values() for value in values]
        values += [v for class_ in module.classes.values() for vs in class_.attributes.values() for v in vs]
        values += [assignment.value for assignment in module.assignments]
        values += [value for function in module.functions.telling() for _, value in function.values]
        return _names(values, key)

    def _loaded_in(self, module: Module, qualname: str, key: str) -> bool:
        steps = self.project.functions.of(module, module.functions[qualname]).steps
        return any(_ends(path, key) for step in steps for path in step.loads)


def _ends(chain: str, key: str) -> bool:
    return chain.endswith((f".{key}", f":{key}")) or chain == key


def _names(values: Iterable[Value], key: str) -> bool:
    """Whether one of these expressions names it, or takes what is kept under it: ``app.config["KEY"]``."""
    return any(
        _ends(each.chain, key) or (each.kind == "name" and each.data == key)
        for value in values
        for each in held(value)
    )
