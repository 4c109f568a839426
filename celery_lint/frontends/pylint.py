"""The pylint checkers: one for each family of rules, because pylint wants one block of ids per checker."""

from __future__ import annotations

from astroid import nodes
from pylint.checkers import BaseRawFileChecker
from pylint.lint import PyLinter

from celery_lint.frontends import host
from celery_lint.rule import FAMILIES
from celery_lint.rules import all_rules

_OURS: set[str] = set()  # messages that a table of ours turned on, and not the user of pylint


class _Checker(BaseRawFileChecker):
    def process_module(self, node: nodes.Module) -> None:
        """Hand the file's text to the engine, and its diagnostics of this family to pylint."""
        linter, stream = self.linter, node.stream()
        extra = {rule.name: rule.code for rule in all_rules() if rule.preset != "recommended"}
        enabled = [c for name, c in extra.items() if linter.is_message_enabled(name) and name not in _OURS]
        given = host.overrides(linter.config, enabled)
        for found in host.diagnostics(node.file, stream.read() if stream else b"", given):
            if found.name in {message[1] for message in self.msgs.values()}:
                if found.name in extra and not linter.is_message_enabled(found.name):
                    linter.enable(found.name)  # our own table turns it on: `preset = "house"`
                    _OURS.add(found.name)
                end = found.end_line, found.end_column - 1
                self.add_message(found.name, found.line, None, (found.message,), None, found.column - 1, *end)


def register(linter: PyLinter) -> None:
    """Register the checkers."""
    own = {"F9999": ("%s", "internal-error", "celery-lint itself failed, or its options cannot be used.")}
    kind = {"default": "", "type": "string", "metavar": "<value>"}
    options = tuple((name, {**kind, "help": option.help}) for name, option in host.options())
    own_checker = type("own", (_Checker,), {"name": "celery-lint", "msgs": own, "options": options})
    linter.register_checker(own_checker(linter))
    for family in FAMILIES:
        rules = [rule for rule in all_rules() if rule.family() == family]
        on = {rule: {"default_enabled": rule.preset == "recommended"} for rule in rules}
        if msgs := {rule.pylint_id(): ("%s", rule.name, rule.summary(), on[rule]) for rule in rules}:
            linter.register_checker(type(family, (_Checker,), {"name": family, "msgs": msgs})(linter))
