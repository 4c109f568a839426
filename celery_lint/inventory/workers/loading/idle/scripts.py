"""The pool of workers that no launch file starts, but scripts for people's own machines do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.files.commands.mentions import PROSE
from celery_lint.files.commands.shell import list_items
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.workers.running import UNFORKED
from celery_lint.model.purpose import is_test_path
from celery_lint.project.known import Known, once

# One command of a line, from the name of the program on; and one in a list of words, as Python has it.
_WORKER = re.compile(r"\bcelery\b[^;&|]*\bworker\b[^;&|]*")
_LIST = re.compile(r"[\[(](?:[^\[\]()]|\([^()]*\))*[\])]")
_WORDS = re.compile(r"[\"']celery[\"'].*[\"']worker[\"']", re.DOTALL)
_POOL = re.compile(r"(?<!\S)(?:-P|--pool)[ =]?[\"']?(\w+)")
_QUEUES = re.compile(r"(?<!\S)(?:-Q|--queues)[ =]?[\"']?([\w,.-]+)")
_NODE = re.compile(r"(?<!\S)(?:-n|--hostname)[ =]?[\"']?([\w.-]+)")
# The next line goes on with the command, in a shell, in PowerShell and in a batch file.
_CONTINUED = re.compile(r"[\\`^][ \t]*\r?\n")
_REMARKS = ("#", "//", "::", "rem ", ";")
_COMMENTS = re.compile(r"<!--.*?-->|<#.*?#>", re.DOTALL)
# What prints the words behind it, unless an operator ends the command before; and what is told about one.
_PRINTS = re.compile(r"(?<![\w./-])(?:echo|log|print|printf|puts|write-\w+)(?![\w./-])", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_TELLS = re.compile(
    r"[\s-]*[\"']?(?:comment|description|doc|help|label|message|name|note|summary|title)[\"']?\s*[:=]",
    re.IGNORECASE,
)
# A pattern that somebody fills in and calls otherwise: `.env.example`.
_PATTERN = re.compile(r"(?:^|[._-])(?:dist|example|sample|template)(?:$|[._-])")
# Code that starts processes, and the text or the variable for one that it gives.
_PROCESSES = re.compile(r"\b(?:subprocess|os\.(?:exec|popen|spawn|system)|pexpect)")
_GIVEN = re.compile(
    r"""(?:\b(?:call|check_call|check_output|popen|run|spawn|split|system)\(\s*|[\w\]]\s+=\s+\(?\s*)"""
    r"""[fr]*(?:"([^"\n]*)"|'([^'\n]*)')""",
    re.IGNORECASE,
)


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
            name = path.lower().rpartition("/")[2]
            if name.endswith(PROSE) or _PATTERN.search(name) or is_test_path(path):
                continue
            yield from written.ask(path, _in_code if name.endswith((".py", ".pyw")) else _in_script)


def _in_code(text: bytes) -> list[str]:
    return [*_of_code(text.decode("utf-8", "replace"))]


def _in_script(text: bytes) -> list[str]:
    return [*_of_script(text.decode("utf-8", "replace"))]


def _of_script(text: str) -> Iterator[str]:
    """The commands of a script: what it only prints, or says in a comment, is none."""
    for line in _CONTINUED.sub(" ", _COMMENTS.sub("", text)).split("\n"):
        if line.lstrip(" \t@").lower().startswith(_REMARKS) or _TELLS.match(line):
            continue
        for found in _WORKER.finditer(line):
            if not _is_printed(line[: found.start()]):
                yield found[0]


def _of_code(text: str) -> Iterator[str]:
    """The commands that code of Python gives to processes that it starts."""
    if not _PROCESSES.search(text):
        return
    code = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))
    for words in _LIST.findall(code):
        if _WORDS.search(words):
            yield " ".join(word.text for word in list_items(f"[{words[1:-1]}]", 1))
    for given in _GIVEN.finditer(code):
        found = _WORKER.search(given[1] or given[2] or "")
        if found is not None:
            yield found[0]


def _is_printed(before: str) -> bool:
    """Whether what follows in a line is a text for people, by what stands before it."""
    printing = list(_PRINTS.finditer(before))
    if not printing:
        return False
    between = _QUOTED.sub("", before[printing[-1].end() :])
    quote = re.search(r"[\"']", between)
    return not re.search(r"[;&|]", between[: quote.start()] if quote is not None else between)


def _said(option: re.Pattern[str], line: str) -> str:
    """What a command says of an option, if anything."""
    found = option.search(line)
    return found[1] if found is not None else ""
