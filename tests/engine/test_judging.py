"""The verdict: what a failure of the linter says, and what comes back from the cache."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from celery_lint import engine
from celery_lint.diagnostics import READING_FAILED, Diagnostic, Related, Span, Unparsed
from celery_lint.engine.filtering import NAMELESS
from celery_lint.engine.verdict import Verdict, _internal_error, failures_to_read, packed, unpacked
from celery_lint.model.facts import Place
from celery_lint.options import Configuration
from celery_lint.project.isolation import Failure

HERE, THERE = Place("here.py", Span(3, 5, 3, 9)), Place("there.py", Span(7, 1, 8, 2))
TOP = Span(1, 1, 1, 1)


class WithPlace(NamedTuple):
    """A fact that has a place, or could have one."""

    place: Place | None


class WithModule(NamedTuple):
    """A fact that is of a module."""

    module: Any


class Path(NamedTuple):
    """A module, as far as it matters."""

    path: str


FAILURES = [
    # where the search was, whether all of it is lost, the fact in hand; path and span, what the message adds
    (None, True, None, ("", TOP), ""),
    (HERE, False, None, HERE, ""),
    (HERE, True, None, ("", TOP), " (at here.py:3)"),
    (HERE, False, WithPlace(THERE), HERE, ""),
    (HERE, True, WithPlace(THERE), THERE, ""),
    (HERE, True, WithPlace(None), HERE, ""),
    (None, True, WithPlace(THERE), THERE, ""),
    (None, True, WithModule(Path("module.py")), ("module.py", TOP), ""),
    (None, True, WithModule(None), ("", TOP), ""),
    (None, True, "a text", ("", TOP), ""),
]


@pytest.mark.parametrize("place, lost, fact, expected, added", FAILURES)
def test_a_failure_has_the_best_place_that_is_known(
    place: Place | None, lost: bool, fact: Any, expected: tuple[str, Span], added: str
) -> None:
    failure = Failure("the search", LookupError("no\nluck"), place, lost)
    assert _internal_error(failure, fact) == Diagnostic(
        expected[0],
        *expected[1].numbers,
        "CEL999",
        "internal-error",
        f"the search failed: LookupError: no luck{added}",
        "please report this; everything else has been checked",
        "error",
    )


def test_what_is_kept_comes_back() -> None:
    one = Diagnostic("a.py", 1, 2, 3, 4, "CEL110", "name", "message", "help", "warning")
    other = one._replace(line=2, related=(Related("b.py", 5, 6, "there"), Related("c.py", 7, 8, "and there")))
    verdict = Verdict(
        [one, other],
        frozenset({1}),
        [Unparsed("d.py", 9, "invalid syntax")],
        {"a.py": 2},
        {"CEL110": "recommended"},
    )
    assert unpacked(json.loads(json.dumps(packed(verdict)))) == verdict
    assert json.dumps(packed(verdict)) == json.dumps(packed(verdict._replace(suppressed=frozenset([1]))))


@pytest.mark.parametrize(
    "row", [[], [[], [], [], {}], [[[1]], [], [], {}, {}], [[], [], [[1]], {}, {}], [None] * 5]
)
def test_what_is_damaged_is_an_error_that_is_expected(row: list[Any]) -> None:
    with pytest.raises((TypeError, ValueError, LookupError)):
        unpacked(row)


TASKS = """\
from celery import shared_task


@shared_task
async def one():  # noqa: CEL111
    ...


@shared_task
async def two():
    ...
"""


def test_a_text_is_judged() -> None:
    configuration = Configuration(cache=False)
    report = engine.check_text(None, TASKS, configuration)
    assert [(found.line, found.code) for found in report.diagnostics] == [(10, "CEL111")]
    assert report.tasks == 2
    whole = engine.check_text(None, TASKS, configuration, suppress=False)
    assert [(found.line, found.column, found.code) for found in whole.diagnostics] == [
        (5, 11, "CEL111"),
        (10, 11, "CEL111"),
    ]


RUNS = """\
import asyncio
from celery import shared_task
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://localhost/shop")


async def load():
    async with engine.connect() as connection:
        return connection


@shared_task(soft_time_limit=50, time_limit=60)
def task():
    return asyncio.run(load())
"""


def test_all_that_a_rule_says_is_in_its_diagnostic() -> None:
    report = engine.check_text(None, RUNS, Configuration(cache=False, select=("CEL110",)))
    (found,) = report.diagnostics
    assert (found.path, *found[1:5]) == (NAMELESS, 15, 12, 15, 31)
    assert (found.code, found.name, found.severity) == ("CEL110", "asyncio-run-in-task", "warning")
    assert "`engine`" in found.message
    assert "`engine`" in found.help
    assert [(place.path, place.line, place.column) for place in found.related] == [
        (NAMELESS, 5, 10),
        (NAMELESS, 9, 16),
    ]


RETRIES = """\
import os

from celery import Celery
from celery.exceptions import MaxRetriesExceededError

app = Celery("shop", broker=os.environ["BROKER"])


@app.task(bind=True, max_retries=3, default_retry_delay=7200)
def send(self, mail):
    try:
        open(mail)
    except OSError as error:
        again(self, error)


def again(task, error):
    try:
        task.retry(exc=error)
    except MaxRetriesExceededError:
        os.unlink("sending")


def later(mail):
    send.apply_async((mail,), countdown=7200)
"""


def test_help_speaks_of_what_the_code_calls_the_task_and_of_who_waits() -> None:
    report = engine.check_text(None, RETRIES, Configuration(cache=False, select=("CEL420", "CEL518")))
    assert [(found.code, found.line, found.help) for found in report.diagnostics] == [
        ("CEL518", 9, "retry within 3600 s, or store what is left and let a periodic task send it"),
        ("CEL420", 20, "check `task.request.retries >= task.max_retries` before calling `retry()`"),
        ("CEL518", 25, "store what is due, and let a periodic task send it"),
    ]


def test_a_file_that_the_linter_fails_to_read_is_told_as_its_failure() -> None:
    message = f"{READING_FAILED}LookupError: no luck"
    unparsed = [Unparsed("a.py", 3, message), Unparsed("b.py", 1, "invalid syntax")]
    assert list(failures_to_read(unparsed)) == [
        Diagnostic(
            "a.py",
            *Span(3, 1, 3, 1).numbers,
            "CEL999",
            "internal-error",
            message,
            "please report this; everything else has been checked",
            "error",
        )
    ]
