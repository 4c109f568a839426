"""Which applications Django has installed: what its settings list, if all of the list can be read."""

from __future__ import annotations

from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Module, Value
from celery_lint.project.known import Known, once

INSTALLED_APPS = "INSTALLED_APPS"
_DEEPEST = 12
# What makes a list of one that is there.
_COPYING = ("~list", "~tuple", "~set", "~sorted")
# What adds to a list, and what lists of applications are called.
_ADDING = (".append", ".extend", ".insert", ".update", ".add")
_APPS = "APPS"


class InstalledApplications:
    """The names of ``INSTALLED_APPS``, of all settings together."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self._parts: set[str] = set()  # the names of lists that it is made of

    @once
    def names(self) -> frozenset[str] | None:
        """The names that some settings list; ``None`` where none do, or only the run knows one of them."""
        modules = [m for m in self.project.modules.values() if INSTALLED_APPS in m.bindings]
        found: set[str] = set()
        for module in modules:
            for value in module.bindings[INSTALLED_APPS]:
                texts = self._texts(module, value, 0)
                if texts is None:
                    return None
                found |= texts
        added = self._added()
        return None if added is None or not modules else frozenset(found | added)

    def by(self, module: Module) -> frozenset[str] | None:
        """The names that one module of settings certainly lists, at the one place where it says so."""
        values = module.bindings.get(INSTALLED_APPS, ())
        if self.names is None or len(values) != 1:
            return None
        return frozenset(self._texts(module, values[0], 0) or ())

    def _texts(self, module: Module, value: Value, depth: int) -> set[str] | None:
        """The texts in an expression, through names, sums and filters; ``None`` if a part is not known."""
        if depth > _DEEPEST:
            return None
        if value.kind == "constant":
            return {value.data} if isinstance(value.data, str) else None
        if value.kind == "name":
            return self._of_name(module, value, depth)
        copied = value.kind == "call" and value.chain in _COPYING and len(value.items) == 1
        kept = value.kind == "unknown" and value.data == "list" and len(value.items) == 1
        if (
            not (copied or kept or value.kind in ("sequence", "either") or value.data == "Add")
            or value.keywords
        ):
            return None
        found: set[str] = set()
        for item in value.items:
            texts = self._texts(module, item, depth + 1)
            if texts is None:
                return None
            found |= texts
        return found

    def _of_name(self, module: Module, value: Value, depth: int) -> set[str] | None:
        """The texts in whatever a name is bound to; those of the list itself are told with it."""
        name = value.chain[1:]
        if value.chain[:1] == ":" and name in module.bindings:
            owner, values = module, module.bindings[name]
        else:
            entity = self.project.value_entity(module, value)
            if entity.kind != "value" or entity.module is None or entity.value is None:
                return None
            owner, values = entity.module, (entity.value,)
        if name == INSTALLED_APPS and owner is module:
            return set()
        self._parts.add(leaf_of_chain(value.chain))
        found: set[str] = set()
        for each in values:
            texts = self._texts(owner, each, depth + 1)
            if texts is None:
                return None
            found |= texts
        return found

    def _added(self) -> set[str] | None:
        """The texts that calls add to lists of applications; ``None`` if one of them is not known."""
        found: set[str] = set()
        modules = [m for m in self.project.modules.values() if INSTALLED_APPS in m.bindings or _mentions(m)]
        for module, function in self.project.functions.holding(modules, *_ADDING):
            for call in self.project.functions.calls(module, function):
                owner, _, leaf = call.chain.rpartition(".")
                if f".{leaf}" not in _ADDING:
                    continue
                text = call.takes[-1].text if call.takes and leaf in ("append", "insert") else ""
                if not text and (_APPS in owner or leaf_of_chain(owner) in self._parts):
                    return None
                found.add(text)
        return found


def _mentions(module: Module) -> bool:
    return bool(module.functions.holding(INSTALLED_APPS))
