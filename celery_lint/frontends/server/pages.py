"""The pages of rules as files, so that an editor can open what a diagnostic's code links to.

They lie in a folder of this process, which goes with it: no address on the web is needed, and the words are
those of the version that speaks.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from celery_lint.rule import Rule
from celery_lint.rules import all_rules


class Pages:
    """The pages of all rules, written when somebody is given the address of one."""

    def __init__(self) -> None:
        self._rules: dict[str, type[Rule]] = {rule.code: rule for rule in all_rules()}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def text(self, code: str) -> str:
        """What a rule says about itself, as Markdown; ``""`` for what is no rule."""
        rule = self._rules.get(code)
        return rule.page() if rule is not None else ""

    def address(self, code: str) -> str | None:
        """The address of a rule's page; None for what is no rule, or where no file can be written."""
        rule = self._rules.get(code)
        if rule is None:
            return None
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(
                    prefix="celery-lint-rules-", ignore_cleanup_errors=True
                )
            page = Path(self._folder.name) / f"{code}.md"
            if not page.exists():
                page.write_text(f"# {code}: {rule.name}\n\n{rule.page()}", encoding="utf-8")
        except OSError:
            return None
        return page.as_uri()

    def remove(self) -> None:
        """Remove what was written."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
