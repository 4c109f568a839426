"""The configurations of Flask's applications, which are handed to Celery's: ``conf.update(app.config)``.

All that the product puts into one counts for each of them: nobody can tell which
application a function gets.
https://flask.palletsprojects.com/en/stable/config/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.diagnostics import Span
from celery_lint.libraries.flask import APPLICATIONS, FROM_ELSEWHERE
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Parameter, Value
from celery_lint.project.known import Known, once

_CONFIG = ".config"
_CONDITIONS = frozenset({"case", "for", "handler", "if", "match", "while"})
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
        return [
            each
            for module, function, _, item in self._handed
            for each in self._alternatives(module, function, item, self._calls_of(function.name))
        ]

    def certain(self, making: Module) -> list[list[tuple[Module, Value]]]:
        """The same, of each statement that a module gets to whatever any condition says.

        One of these is loaded for sure when the module is imported.
        """
        found = []
        for module, function, value, item in self._handed:
            calls = [(other, call) for other, call in self._calls_of(function.name) if other is making]
            reached = bool(calls) if function.name else module is making
            if reached and not self._is_chosen(module, function, value.span):
                found.append(list(self._alternatives(module, function, item, calls)))
        return found

    def certain_of_callers(self, function: Function) -> list[list[tuple[Module, Value]]]:
        """The same of the configurations that callers of a function hand over with their application.

        They make it, and load this before, whatever any condition says.
        """
        return [
            list(self._alternatives(loading, inside, item, self._calls_of(inside.name)))
            for other, caller in (self.project.calling(function.name) if function.name else ())
            for call in self.project.functions.calls(other, caller)
            if call.leaf().lstrip(":~") == function.name
            and any(self.is_configuration(other, f"{given.chain}{_CONFIG}") for given in call.takes)
            and not self._is_chosen(other, caller, call.span)
            for loading, inside, value, item in self._handed
            if (loading, inside) == (other, caller)
            and value.span.line < call.span.line
            and not self._is_chosen(loading, inside, value.span)
        ]

    @once
    def _handed(self) -> list[tuple[Module, Function, Value, Value]]:
        return [
            (module, function, value, item)
            for module, function, value in self._calls(".from_object", ".update", ".from_mapping")
            for item in (*value.items, *(each for key, each in value.keywords if key in ("*", "**")))
        ]

    def _is_chosen(self, module: Module, function: Function, span: Span) -> bool:
        """Whether a condition decides about a statement."""
        if not function.name:
            return span.column != 1
        flow = self.project.functions.of(module, function)
        return any(
            outer.kind in _CONDITIONS
            for step in flow.steps
            if step.span.line <= span.line <= step.span.end_line
            for outer in flow.ancestors(step)
        )

    def _alternatives(
        self, module: Module, function: Function, value: Value, calls: Iterable[tuple[Module, Call]]
    ) -> Iterator[tuple[Module, Value]]:
        """What a value may be: of a parameter, what calls give, or its default."""
        name = value.chain[1:] if value.kind == "name" and value.chain[:1] == "%" else ""
        parameter = next((each for each in function.parameters if name and each.name == name), None)
        stands_for = _default(parameter, value) if parameter is not None else None
        if stands_for is None or function.owner or function.parent:
            yield module, value
            return
        number = [each.name for each in function.parameters].index(name)
        default = module, stands_for
        found = False
        for other, call in calls:
            given = call.keyword(name) or call.argument(number)
            found = True
            if given.text:
                yield other, Value("constant", call.span, given.text)
            elif given.chain[:1] not in ("", "%"):
                yield other, Value("name", call.span, None, given.chain)
            else:
                yield (module, value) if given or call.is_open_ended else default
        if not found:
            yield default

    def _calls_of(self, name: str) -> list[tuple[Module, Call]]:
        """The calls of what has this name, in the modules that are known."""
        return [
            (module, call)
            for module, caller in self.project.calling(name)
            for call in self.project.functions.calls(module, caller)
            if name and call.leaf().lstrip(":~") == name
        ]

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


def _default(parameter: Parameter, value: Value) -> Value | None:
    """What a parameter stands for where a call says nothing: a text, or what has a name."""
    kind, rest = parameter.default[:1], parameter.default[1:]
    if kind == "'":
        return Value("constant", value.span, rest)
    named = kind == ":" or (kind.isidentifier() and kind != "")
    return Value("name", value.span, None, parameter.default) if named else None
