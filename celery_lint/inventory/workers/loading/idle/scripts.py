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
_QUEUES = re.compile(r"(?<!\S)(?:-Q|--queues)[ =]?[\"']?([\w,.-]+)")
_NODE = re.compile(r"(?<!\S)(?:-n|--hostname)[ =]?[\"']?([\w.-]+)")
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
        pools = [_said(_POOL, line).lower() for line in self._lines()]
        return bool(pools) and all(pool in UNFORKED for pool in pools)

    @once
    def are_one_solo(self) -> bool:
        """Whether the only worker that anything starts is of the solo pool: what they say is one command."""
        launched = self.commands.all
        if launched or self.project.deployment.refused:
            return len(launched) == 1 and launched[0].pool == "solo"
        lines = list(self._lines())
        different = [{_said(option, line) for line in lines} for option in (_QUEUES, _NODE)]
        solo = all(_said(_POOL, line).lower() == "solo" for line in lines)
        return bool(lines) and solo and all(len(said - {""}) <= 1 for said in different)

    def _lines(self) -> Iterator[str]:
        """The commands; none where launch files start workers."""
        if self.commands.all or self.project.deployment.refused:
            return
        written = self.project.deployment.written
        for path in written.holding("celery"):
            if path.endswith(".py") or path.lower().endswith(PROSE) or is_test_path(path):
                continue
            text = _CONTINUED.sub(" ", written.texts[path].decode("utf-8", "replace"))
            for line in text.split("\n"):
                if _WORKER.search(line) and not line.lstrip().lower().startswith(_REMARKS):
                    yield line


def _said(option: re.Pattern[str], line: str) -> str:
    """What a command says of an option, if anything."""
    found = option.search(line)
    return found[1] if found is not None else ""
