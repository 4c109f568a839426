"""CEL821 schedule-entry-not-sendable."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.broken_entries import BrokenEntries, UnsendableEntry
from celery_lint.rule import Finding, Rule, on


class ScheduleEntryNotSendable(Rule):
    """An entry of a schedule holds what no message can be made of.

    ## Why it matters

    `("report")` is no tuple but a text: the task would get six arguments, one a letter. With a task or a
    signature in place of its name, too, beat logs `Couldn't apply scheduled task` or `Message Error` at each
    tick and goes on, and the task never runs. A list in place of `kwargs` or a number in place of `args` ends
    Celery's own scheduler when it starts; others log it at each tick.

    RedBeat ends where an entry holds a task, of which it cannot make JSON. The one of django-celery-beat
    calls what it is given in place of a name: it runs the task itself, and takes what that returns for the
    name.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.beat_schedule = {"bill": {"task": "shop.tasks.bill", "schedule": 60.0, "args": ("May")}}
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.beat_schedule = {"bill": {"task": "shop.tasks.bill", "schedule": 60.0, "args": ("May",)}}
    ```

    ## Limits

    Looks at schedules that an application certainly loads, and at what is written in them or in constants.
    Silent where a text has as many letters as the task takes, or the task takes any number: it is sent.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#available-fields>
    """

    code = "CEL821"
    name = "schedule-entry-not-sendable"
    severity = "error"
    preset = "recommended"
    message = "`args` is {what} and no tuple: each tick raises `SchedulingError`"
    help = "write a tuple or a list: `(value,)`"
    variants = {
        "ending args": (
            "`args` is {what} and no tuple: beat ends with `{error}` when it starts",
            "write a tuple or a list: `(value,)`",
        ),
        "kwargs": (
            "`kwargs` is {what} and no mapping: each tick raises `SchedulingError`",
            'write a mapping: `{{"name": value}}`',
        ),
        "ending kwargs": (
            "`kwargs` is {what} and no mapping: beat ends with `{error}` when it starts",
            'write a mapping: `{{"name": value}}`',
        ),
        "task": (
            "`{written}` is a task, and no name: each tick raises `SchedulingError`",
            "write `{written}.name`, or the name as a text",
        ),
        "ending task": (
            "`{written}` is a task, and no name: beat ends with `{error}` when it starts",
            "write `{written}.name`, or the name as a text",
        ),
        "called task": (
            "`{written}` is a task, and no name: `DatabaseScheduler` calls it, never sends it",
            "write `{written}.name`, or the name as a text",
        ),
        "signature": (
            "`{written}.s()` is a signature, and no name: each tick raises `TypeError`",
            "write `{written}.name`, and its arguments as `args` and `kwargs`",
        ),
        "called signature": (
            "`{written}.s()` is a signature, and no name: `DatabaseScheduler` calls it, never sends it",
            "write `{written}.name`, and its arguments as `args` and `kwargs`",
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_entries_that_cannot_be_sent"
    fixable = "safe"

    @on(BrokenEntries.unsendable)
    def check(self, fact: UnsendableEntry) -> Iterator[Finding]:
        """Report what stands in the field."""
        values = {"what": fact.written, "written": fact.written, "error": fact.error}
        fix = (fact.field,) if fact.field in ("args", "task") else None
        variant: str = "" if fact.field == "args" else fact.field
        if fact.error:
            variant = f"ending {fact.field}"
        elif fact.scheduler.kind == "database" and fact.field in ("task", "signature"):
            variant = f"called {fact.field}"
        yield Finding(fact.place, values, fact.scheduler.related(), variant, fix)
