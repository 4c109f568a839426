"""The pool of workers that no launch file starts, but scripts for people's own machines do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.files.commands.mentions import PROSE
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.workers.running import UNFORKED
from celery_lint.model.purpose import is_test_path
from celery_lint.project.known import Known, once

_WORKER = re.compile(r"\bcelery\b.*\bworker\b")
_POOL = re.compile(r"(?<!\S)(?:-P|--pool)[ =]?[\"']?(\w+)")
# The next line goes on with the command, in a shell, in PowerShell and in a batch file.
_CONTINUED = re.compile(r"[\\`^][ \t]*\r?\n")
_REMARKS = ("#", "//", "::", "rem ", ";")


class Scripts:
    """The scripts for PowerShell, batch files, scripts of npm and the like that start workers."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.commands = known.of(Commands)

    @once
    def never_fork(self) -> bool:
        """Whether nothing else starts workers, and all of these start some without processes of their own.

        What people are told in prose starts none.
        """
        if self.commands.all or self.project.deployment.refused:
            return False
        pools = list(self._pools())
        return bool(pools) and all(pool in UNFORKED for pool in pools)

    def _pools(self) -> Iterator[str]:
        """The pool of each command, ``""`` for one that names none."""
        written = self.project.deployment.written
        for path in written.holding("celery"):
            if path.endswith(".py") or path.lower().endswith(PROSE) or is_test_path(path):
                continue
            text = _CONTINUED.sub(" ", written.texts[path].decode("utf-8", "replace"))
            for line in text.split("\n"):
                if _WORKER.search(line) and not line.lstrip().lower().startswith(_REMARKS):
                    found = _POOL.search(line)
                    yield found[1].lower() if found is not None else ""
