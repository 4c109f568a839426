"""What a guide takes from elsewhere: ``{example CEL110}``, ``{ways}`` … so that nothing is written twice.

Figures come from the last long run of the proofs and of the benchmarks, code from the docstrings of rules.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path

from celery_lint.rule import Rule
from celery_lint.rules import all_rules
from scripts import runtime_reference
from tests.proofs.pages import PATTERNS, POOLS
from tests.proofs.registry import benchmark, proofs, results

REPOSITORY = Path(__file__).resolve().parent.parent.parent
#: The ways to run a coroutine that people choose between, and what the coroutine does.
WAYS = ("asyncio.run", "async_to_sync", "nest_asyncio", "celery_lint.runtime")
BODIES = {"sleep": "no database", "pooled": "an engine of the module", "disposed": "the same, disposed of"}
#: Tasks of the proofs that run for longer than their limit, and what ends them where the pool has it.
_LIMITED = {
    "soft limit": ("soft_only()", "SoftTimeLimitExceeded"),
    "hard limit": ("hard_only()", "TimeLimitExceeded"),
}
_MARKER = re.compile(r"\{(\w+)((?: [\w.]+)*)\}")
_VERSIONS = ("python", "celery", "sqlalchemy", "asyncpg")


def filled(text: str, link: Callable[[str], str]) -> str:
    """The text with its parts; ``link`` shows a rule's code. Raises KeyError for other markers."""
    own: dict[str, Callable[..., str]] = {**_PARTS, "rule": link}

    def part(marker: re.Match[str]) -> str:
        return own[marker[1]](*marker[2].split())

    return _MARKER.sub(part, text)


# ------------------------------------------------------------------------------------ code


def section(code: str, title: str) -> str:
    """The first block of a section of a rule's docstring."""
    found = _rule(code)
    text = cleandoc(found.__doc__ or "").partition(f"## {title}\n")[2]
    block = re.search(r"```python\n(.*?)\n```", text, re.DOTALL)
    if block is None:
        raise KeyError(f"{code} shows no code in {title}")
    return block[1]


def _rule(code: str) -> type[Rule]:
    return next(rule for rule in all_rules() if rule.code == code)


def runtime(module: str, name: str) -> str:
    """A name of the runtime, and the first sentence of what it says about itself."""
    sentence = runtime_reference.first_sentence(module, name)
    return f"`{name}`: {sentence[0].lower()}{sentence[1:]}"


# ------------------------------------------------------------------------------------ figures


def versions() -> str:
    """What the proofs ran on."""
    found = results()["versions"]
    return ", ".join(f"{name} {found[name]}" for name in _VERSIONS)


def outcome(test: str, form: str, pool: str) -> str:
    """What became of the tasks of a proof, the first of this form."""
    name = next(each for each in proofs() if each.endswith(f"::{test}"))
    asked = (name, form, pool)
    found = next(o for o in results()["outcomes"] if (o["test"], o["form"], o["pool"]) == asked)
    errors = "; ".join(f"`{error.partition(chr(10))[0][:90].strip()}`" for error in found["errors"])
    hung = f", {found['hung']} hung" if found["hung"] else ""
    return f"{found['succeeded']} of {found['sent']} succeeded{f' ({errors})' if errors else ''}{hung}"


def ways() -> str:
    """How many of the tasks succeeded, by the way of running a coroutine and by pool."""
    found = {(each["task"], each["pool"]): each for each in results()["outcomes"] if each["test"] == PATTERNS}
    lines = [f"| way | coroutine with | {' | '.join(POOLS)} |", f"|---|---|{'---|' * len(POOLS)}"]
    for way in WAYS:
        for body, title in BODIES.items():
            cells = [str(found[f"run({way!r}, {body!r})", pool]["succeeded"]) for pool in POOLS]
            lines.append(f"| `{way}` | {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def row(way: str) -> str:
    """The rows of one way in that table."""
    return "\n".join(line for line in ways().splitlines() if line.startswith(f"| `{way}` |"))


def limits() -> str:
    """Which pools end a task at its soft and its hard limit."""
    lines = [f"| | {' | '.join(POOLS)} |", f"|---|{'---|' * len(POOLS)}"]
    for title, (task, error) in _LIMITED.items():
        seen = {each["pool"]: each["errors"] for each in results()["outcomes"] if each["task"] == task}
        ends = {pool: any(text.startswith(error) for text in errors) for pool, errors in seen.items()}
        lines.append(
            f"| {title} | {' | '.join('ends it' if ends[pool] else '**nothing**' for pool in POOLS)} |"
        )
    return "\n".join(lines)


def throughput() -> str:
    """How fast the runtime is beside a loop for each call."""
    rates = benchmark("throughput")["rates"]
    ours, other = rates["run_async"], rates["asyncio.run"]
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, other, strict=True))
    return (
        f"{statistics.median(ours):.0f} tasks per second with a kept engine, "
        f"{statistics.median(other):.0f} with `asyncio.run` and an engine that is disposed of ({ratio:.1f} x)"
    )


def fire() -> str:
    """What came of jobs while schedulers were killed and databases were away."""
    runs = benchmark("scheduling")
    total = {key: sum(run[key] for run in runs) for key in ("moments", "killed", "never_run", "run_twice")}
    return (
        f"{total['moments']} moments of jobs and {total['killed']} killed schedulers: "
        f"{total['never_run']} not run, {total['run_twice']} run twice"
    )


# ------------------------------------------------------------------------------------ checklist


def checklist() -> str:
    """The questions before a task is deployed, with their rules, from the page that has them."""
    text = (REPOSITORY / "docs/checklist.md").read_text(encoding="utf-8")
    table = text.partition("## Before a task is deployed")[2]
    asked: dict[str, list[str]] = {}
    question = ""
    for first, code in re.findall(r"^\| ([^|]*)\| \[(CEL\d{3})\]", table, re.MULTILINE):
        question = first.strip() or question
        asked.setdefault(question, []).append(code)
    return "\n".join(f"- [ ] {text} ({', '.join(codes)})" for text, codes in asked.items())


_PARTS: dict[str, Callable[..., str]] = {
    "example": lambda code: section(code, "Example"),
    "instead": lambda code: section(code, "Use instead"),
    "runtime": runtime,
    "versions": versions,
    "outcome": outcome,
    "ways": ways,
    "row": row,
    "limits": limits,
    "throughput": throughput,
    "fire": fire,
    "checklist": checklist,
}
