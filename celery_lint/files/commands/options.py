"""The options of a command that starts workers, by their long names.

They are Celery's own: https://docs.celeryq.dev/en/stable/reference/cli.html#celery-worker. Those of single
nodes of ``celery multi`` keep the nodes in their names: ``queues:1,2``, ``pool:mails``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import nan

from celery_lint.files.commands.shell import Word, is_variable
from celery_lint.libraries.celery import COMMANDS

_MOST_NODES = 100

_FLAGS = frozenset(
    {
        "autoreload", "beat", "detach", "disable-prefetch", "discard", "events", "help", "no-color",
        "no-execv", "purge", "quiet", "skip-checks", "task-events", "traceback", "verbose", "version",
        "without-gossip", "without-heartbeat", "without-mingle",
    }
)  # fmt: skip
_SHORT_OPTIONS = {
    "A": "app",
    "I": "include",
    "O": "optimization",
    "P": "pool",
    "Q": "queues",
    "S": "statedb",
    "X": "exclude-queues",
    "b": "broker",
    "c": "concurrency",
    "f": "logfile",
    "l": "loglevel",
    "n": "hostname",
    "s": "schedule",
}


def take_option(text: str, following: str | None, options: dict[str, str]) -> int:
    """Note the options of one word (``--pool=x``, ``-Px``, ``-EB``); whether the next word is its value."""
    usable = following is not None and not following.startswith("-")
    if text.startswith("--"):
        name, stated, value = text[2:].partition("=")
        if name in _FLAGS:
            options[name] = ""
        elif stated:
            options[name] = value
        elif usable:
            options[name] = following or ""
            return 1
        return 0
    for position, letter in enumerate(text[1:], 2):
        name = _SHORT_OPTIONS.get(letter, "")
        rest = text[position:]
        if rest.startswith(":"):  # celery multi: an option of single nodes, -P:1-3 gevent
            options[f"{name or letter}{rest}"] = following or ""
            return int(usable)
        if not name:
            options[letter] = ""
        elif rest:
            options[name] = rest.removeprefix("=")
            return 0
        elif usable:
            options[name] = following or ""
            return 1
    return 0


def literal(options: Mapping[str, str], name: str) -> str:
    value = options.get(name, "")
    return "" if is_variable(value) else value


def number(options: Mapping[str, str], name: str) -> float | None:
    """The number that an option has; no number at all where only the run knows it."""
    if is_variable(options.get(name, "")):
        return nan
    try:
        return float(options[name])
    except (KeyError, ValueError):
        return None


def of_nodes(names: Sequence[str], options: Mapping[str, str]) -> list[dict[str, str]] | None:
    """The options of each node of ``celery multi start NAMES``; ``None`` where that cannot be told.

    Numbers count the nodes: ``-Q:1,3`` and, where the only name is their number, ``-Q:2-4``. What is said of
    a node wins over what is said of all. See ``celery.apps.multi.MultiParser``.
    """
    counted = len(names) == 1 and names[0].isdecimal()
    if any(is_variable(name) for name in names) or (counted and int(names[0]) > _MOST_NODES):
        return None
    nodes = [str(number + 1) for number in range(int(names[0]))] if counted else list(names)
    common = {name: value for name, value in options.items() if ":" not in name}
    own: dict[str, dict[str, str]] = {node: {} for node in nodes}
    for name, value in options.items():
        option, colon, chosen = name.partition(":")
        for node in _chosen(chosen, nodes, counted) if colon else ():
            if node is None:
                return None
            if node in own:
                own[node][option] = value
    return [common | given for given in own.values()]


def _chosen(chosen: str, nodes: Sequence[str], counted: bool) -> Iterator[str | None]:
    """The nodes that ``1,3``, ``2-4`` or ``mails`` stands for; ``None`` where that cannot be told."""
    for part in chosen.split(","):
        first, dash, last = part.partition("-")
        if counted and dash:
            known = first.isdecimal() and last.isdecimal()
            yield from [node for node in nodes if int(first) <= int(node) <= int(last)] if known else [None]
        elif part.isdecimal() and not counted:
            yield nodes[int(part) - 1] if 0 < int(part) <= len(nodes) else None
        else:
            yield None if is_variable(part) else part


def is_no_command(text: str, following: Sequence[Word]) -> bool:
    """Whether a word stands where the sub-command should: ``celery -A shop app worker``."""
    return (
        text.isidentifier() and text not in COMMANDS and [word.text for word in following[:1]] == ["worker"]
    )
