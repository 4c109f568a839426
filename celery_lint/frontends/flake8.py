"""The flake8 plugin."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from celery_lint import __version__
from celery_lint.frontends import host


class Plugin:
    """Gives flake8 the diagnostics of the file that it is about to check. The tree is not used."""

    name = "celery-lint"
    version = __version__
    overrides: tuple[tuple[str, object], ...] = ()

    def __init__(self, tree: Any, filename: str, lines: list[str]) -> None:
        del tree  # another plugin may have edited it
        self.path = None if filename in ("stdin", "-") else filename
        self.text = "".join(lines)

    @staticmethod
    def add_options(parser: Any) -> None:
        """Offer the options that change what is found."""
        for name, option in host.options():
            # What is off by itself is turned on without a value; else the next word would be one.
            kind = {"action": "store_true"} if option.default is False else {"default": ""}
            parser.add_option(f"--{name}", parse_from_config=True, help=option.help, **kind)

    @classmethod
    def parse_options(cls, namespace: Namespace) -> None:
        """Keep the options; nothing is read before the process that checks files is known."""
        selectors = [*(namespace.select or ()), *(namespace.extend_select or ())]
        cls.overrides = host.overrides(namespace, filter(host.is_own, selectors))

    def run(self) -> Iterator[tuple[int, int, str, type]]:
        """The diagnostics: line, column from 0, text with the code."""
        for found in host.diagnostics(self.path, self.text, self.overrides):
            yield found.line, found.column - 1, f"{found.code} {found.message}", type(self)
