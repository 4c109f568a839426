"""The configurations of Flask's applications, which are handed to Celery's: ``conf.update(app.config)``.

All that the product puts into one counts for each of them: nobody can tell which
application a function gets.
https://flask.palletsprojects.com/en/stable/config/
"""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.libraries.flask import APPLICATIONS, FROM_ELSEWHERE
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.known import Known, once

_CONFIG = ".config"
_NAMED = frozenset({"app", "application", "flask_app"})


class FlaskSettings:
    """What the product puts into the configurations of Flask's applications."""

    def __init__(self, known: Known) -> None:
        self.project = known.project

    def is_configuration(self, module: Module, chain: str) -> bool:
        """Whether a chain is the configuration of an application of Flask, made here or handed over."""
        owner = chain.removesuffix(_CONFIG)
        if owner == chain or not self._is_used:
            return False
        if owner[:1] == "%":
            return owner[1:] in _NAMED
        entity = self.project.resolve(module, owner)
        if entity.kind == "external":
            return entity.name in APPLICATIONS
        return entity.kind == "instance" and any(
            f"{base.name}()" in APPLICATIONS for base in self.project.bases(entity._replace(kind="class"))
        )

    @once
    def _is_used(self) -> bool:
        packages = {name.partition(".")[0] for name in APPLICATIONS}
        return any(
            target.partition(".")[0] in packages
            for module in self.project.product_modules()
            for target in module.imports.values()
        )

    @once
    def mappings(self) -> list[tuple[Module, Value]]:
        """The mappings, and calls with keywords, whose items are added: ``app.config.update(DEBUG=True)``."""
        return list(self._mappings())

    @once
    def objects(self) -> list[tuple[Module, Value]]:
        """What is given to ``app.config.from_object``, and the mappings that are handed to ``update``."""
        found = []
        for module, _, value in self._calls(".from_object", ".update", ".from_mapping"):
            found += [(module, item) for item in value.items]
            found += [(module, item) for key, item in value.keywords if key in ("*", "**")]
        return found

    @once
    def hidden(self) -> bool:
        """Whether a configuration is read from a file, or from the environment."""
        return any(
            self.is_configuration(module, call.chain.rpartition(".")[0])
            for module, function in self.project.calling(*FROM_ELSEWHERE)
            for call in self.project.functions.calls(module, function)
            if call.chain.endswith(FROM_ELSEWHERE)
        )

    def _mappings(self) -> Iterator[tuple[Module, Value]]:
        for module, _, value in self._calls(".update", ".from_mapping"):
            if value.keywords:
                yield module, value
        for module in self.project.product_modules():
            for assignment in module.assignments:
                added = assignment.subscript and assignment.key
                if added and self.is_configuration(module, assignment.target):
                    item = (assignment.key, assignment.value)
                    yield module, Value("mapping", assignment.value.span, None, "", (), (item,))

    def _calls(self, *methods: str) -> Iterator[tuple[Module, Function, Value]]:
        for module, function in self.project.calling(*methods):
            for _, value in function.values:
                owner, _, leaf = value.chain.rpartition(".")
                if f".{leaf}" in methods and self.is_configuration(module, owner):
                    yield module, function, value
