"""CEL826 schedule-without-period."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.entries import Endless, Entries
from celery_lint.rule import Finding, Rule, on


class ScheduleWithoutPeriod(Rule):
    """An entry of a schedule has a period of no seconds, or of less.

    ## Why it matters

    Such an entry is due again as soon as it was sent. Beat sends it as fast as it can, thousands of messages
    a second, until the broker has no memory left. RedBeat looks for what is due when another entry is, and at
    least each five minutes: it sends the task whenever it does.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.beat_schedule = {"poll": {"task": "shop.tasks.poll", "schedule": 0}}
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.beat_schedule = {"poll": {"task": "shop.tasks.poll", "schedule": 30.0}}
    ```

    ## Limits

    Only numbers and `timedelta` whose value is known are looked at. To switch an entry off, leave it out.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#available-fields>
    """

    code = "CEL826"
    name = "schedule-without-period"
    severity = "error"
    preset = "recommended"
    message = "a period of {number} seconds is always over: beat sends without a pause"
    help = "write the seconds between two runs, or remove the entry"
    variants = {
        "redbeat": (
            "a period of {number} seconds is always over: RedBeat sends it several times an hour",
            "write the seconds between two runs, or remove the entry",
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_a_period_of_nothing"

    @on(Entries.endless)
    def check(self, fact: Endless) -> Iterator[Finding]:
        """Report the period."""
        variant = "redbeat" if fact.scheduler.kind == "redbeat" else ""
        yield Finding(fact.place, {"number": f"{fact.seconds:g}"}, fact.scheduler.related(), variant)
