"""What the documentation shows of proofs and of the results of the last long run."""

from __future__ import annotations

import statistics
from collections.abc import Collection
from typing import Any

from tests.proofs.registry import benchmark, of_rule, proofs, results

PATTERNS = "tests/proofs/test_patterns.py::test_pattern"
POOLS = ("prefork", "solo", "threads", "gevent", "eventlet")
RUNNERS = (
    "asyncio.run",
    "adaptive helper",
    "async_to_sync",
    "nest_asyncio",
    "get_event_loop",
    "new_event_loop, closed",
    "new_event_loop, not closed",
    "one kept loop",
    "celery_lint.runtime",
)
BODIES = {
    "sleep": "A coroutine without a database",
    "pooled": "A coroutine with a pooled engine of the module",
    "disposed": "The same, with `await engine.dispose()` in its `finally`",
}
#: Texts of errors, in short, where many have to stand in a table.
SHORT = {
    "asyncio.run() cannot be called from a running event loop": "cannot be called from a running event loop",
    "attached to a different loop": "attached to a different loop",
    "another operation is in progress": "another operation is in progress",
    "is bound to a different event loop": "bound to a different event loop",
    "You cannot use AsyncToSync": "You cannot use AsyncToSync in the same thread as an async event loop",
    "There is no current event loop": "There is no current event loop in thread",
    "Cannot run the event loop": "Cannot run the event loop while another loop is running",
    "Second simultaneous read": "Second simultaneous read on fileno",
    "cannot reuse already awaited coroutine": "cannot reuse already awaited coroutine",
    "This event loop is already running": "This event loop is already running",
}


def section(code: str, proof: str, root: str) -> str:
    """The section *Proof* of a rule's page; ``root`` leads from the page to the top of the project."""
    own = sorted(of_rule(code), key=lambda each: (each.test != proof, each.test))
    if not own:
        return ""
    parts = []
    for each in own:
        path, _, name = each.test.partition("::")
        parts.append(f"[`{name}`]({root}{path}): {each.summary}")
        rows = _table(each.test)
        if rows:
            parts.append("\n".join(rows))
    parts.append(_versions())
    return "## Proof\n\n" + "\n\n".join(filter(None, parts)) + "\n\n"


def overview(codes: Collection[str]) -> str:
    """The page of all proofs; ``codes`` are those of the rules that have a page."""
    lines = [
        "# Proofs",
        "",
        "What the rules claim has been seen on real workers: a test starts a worker for a pool, a broker and",
        "a database, sends tasks of the bad and of the good form to it, and looks at what becomes of them.",
        "The short form runs with the other tests. `python -m tests.proofs.record` runs every pool and",
        "writes the figures of these pages.",
        "",
        _versions(),
        "",
        *_patterns(),
        *_runtime(),
        *_throughput(),
        "## All proofs",
        "",
        "| proof | rules |",
        "|---|---|",
    ]
    for each in proofs().values():
        path, _, name = each.test.partition("::")
        rules = ", ".join(f"[{code}](rules/{code}.md)" for code in each.codes if code in codes)
        if rules:
            lines.append(f"| [`{name}`](../{path}) | {rules} |")
    return "\n".join(lines) + "\n"


def _versions() -> str:
    versions = ", ".join(f"{name} {number}" for name, number in results()["versions"].items())
    return f"Measured with {versions}." if versions else ""


def _table(test: str) -> list[str]:
    """The outcomes of a proof: one line for each pool and form."""
    outcomes = [outcome for outcome in results()["outcomes"] if outcome["test"] == test]
    if not outcomes:
        return []
    lines = ["| form | pool | task | succeeded | what else |", "|---|---|---|---|---|"]
    for outcome in outcomes:
        succeeded = f"{outcome['succeeded']} of {outcome['sent']}"
        cells = [outcome["form"], outcome["pool"], f"`{outcome['task']}`", succeeded, _rest(outcome)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _patterns() -> list[str]:
    """For each kind of coroutine, what became of tasks by the way of running it and by pool."""
    found = {
        (outcome["task"], outcome["pool"]): outcome
        for outcome in results()["outcomes"]
        if outcome["test"] == PATTERNS
    }
    if not found:
        return []
    lines = [
        "## Ways to run a coroutine",
        "",
        "Tasks that were sent at once, and how many of them succeeded.",
        "",
    ]
    for body, title in BODIES.items():
        lines += [f"### {title}", "", f"| | {' | '.join(POOLS)} |", f"|---|{'---|' * len(POOLS)}"]
        for runner in RUNNERS:
            cells = [_cell(found.get((f"run({runner!r}, {body!r})", pool))) for pool in POOLS]
            lines.append(f"| {runner} | {' | '.join(cells)} |")
        lines.append("")
    return lines


def _runtime() -> list[str]:
    """What the soak has found for our own way of running coroutines, see ``benchmarks/soak.py``."""
    outcomes = benchmark("soak") or []
    if not outcomes:
        return []
    lines = [
        "## The runtime",
        "",
        "`celery_lint.runtime.run_async` with a pooled engine, and coroutines that log: tasks that are sent",
        "at once, what is left when the worker has ended, workers that are started, used and stopped again,",
        "and tasks that are interrupted while their coroutine holds a connection. Written by",
        "`python benchmarks/soak.py`.",
        "",
        "| Python | pool | succeeded | connections left | starts and stops | interrupted | load |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in outcomes:
        hung = f", {each['hung']} hung" if each["hung"] else ""
        cells = [
            each["python"],
            each["pool"],
            f"{each['succeeded']} of {each['sent']}{hung}",
            str(each["left"]),
            f"{each['good_cycles']} of {each['cycles']}",
            "; ".join(map(_ending, each["endings"])),
            f"{min(each['load'])} to {max(each['load'])}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    last = outcomes[-1]
    versions = ", ".join(f"{name} {number}" for name, number in last["packages"].items())
    lines += [
        "",
        f"Measured with {versions},",
        f"on {last['processors']} processors that other programs used as well: the load says how much.",
        "",
    ]
    return lines


def _ending(ending: dict[str, Any]) -> str:
    """How one interruption went."""
    cleaned_up = "`finally` ran" if ending["cleaned_up"] else "`finally` did not run"
    stuck = f"{ending['stuck']} connections in a transaction" if ending["stuck"] else "no connection stuck"
    return f"{ending['by']}: {ending['outcome'] or 'no end'}, {cleaned_up}, {stuck}"


def _throughput() -> list[str]:
    """How fast it is beside the ways that must dispose of their engine, see ``benchmarks/throughput.py``."""
    found = benchmark("throughput")
    if not found:
        return []
    rates = found["rates"]
    ours = rates["run_async"]
    lines = [
        "### Throughput",
        "",
        f"Tasks per second, prefork with {found['processes']} processes, two small queries in each task, the",
        f"ways in turns, medians of {found['rounds']} rounds. Written by `python benchmarks/throughput.py`",
        f"with Python {found['python']}, on {found['processors']} processors with a load of {found['load']}.",
        "",
        "| | tasks/s | `run_async` is faster by |",
        "|---|---|---|",
        f"| `run_async`, engine kept | {statistics.median(ours):.0f} | |",
    ]
    for way in ("adaptive helper", "asyncio.run"):
        ratio = statistics.median(mine / other for mine, other in zip(ours, rates[way], strict=True))
        lines.append(f"| {way}, engine disposed of | {statistics.median(rates[way]):.0f} | {ratio:.1f} x |")
    return [*lines, ""]


def _cell(outcome: dict[str, Any] | None) -> str:
    if outcome is None:
        return ""
    head = f"**{outcome['succeeded']} of {outcome['sent']}**"
    return "; ".join(filter(None, [head, _rest(outcome, short=True)]))


def _rest(outcome: dict[str, Any], *, short: bool = False) -> str:
    """What an outcome shows beside its successes."""
    counted: dict[str, int] = {}
    for text, number in outcome["errors"].items():
        shown = next((shown for part, shown in SHORT.items() if short and part in text), text)
        counted[shown] = counted.get(shown, 0) + number
    errors = sorted(counted.items(), key=lambda item: -item[1])
    parts = [f"{number} x *{_plain(text, 80 if short else 160)}*" for text, number in errors]
    if outcome["hung"]:
        parts.append(f"{outcome['hung']} hung")
    if outcome["connections"]:
        parts.append(
            f"{outcome['connections']} connection{'s' if outcome['connections'] > 1 else ''} left open"
        )
    if outcome.get("stopped") is False:
        parts.append("the worker could not be stopped")
    return "; ".join(parts)


def _plain(text: str, longest: int) -> str:
    """An error text that can stand in a cell of a table."""
    short = text if len(text) <= longest else f"{text[: longest - 1]}…"
    for character in "\\|*_<>`":
        short = short.replace(character, f"\\{character}")
    return short
