"""CEL810 crontab-missing-minute."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.crontab_fields import CrontabFields, MissingMinute
from celery_lint.rule import Finding, Rule, on


class CrontabMissingMinute(Rule):
    """A crontab says at which hour or on which day, and so fires at every minute of it.

    ## Why it matters

    A field that a crontab is not given is `*`. `crontab(hour=2)` is not two o'clock: it fires sixty times,
    from 2:00 to 2:59, and `crontab(day_of_week="mon")` 1440 times each Monday. Sixty reports are sent, or
    sixty runs of a task that was meant to run once work on the same rows.

    ## Example

    ```python
    from celery import Celery
    from celery.schedules import crontab

    app = Celery("shop", broker="redis://localhost")
    app.conf.beat_schedule = {"report": {"task": "shop.tasks.report", "schedule": crontab(hour=2)}}
    ```

    ## Use instead

    ```python
    from celery import Celery
    from celery.schedules import crontab

    app = Celery("shop", broker="redis://localhost")
    app.conf.beat_schedule = {"report": {"task": "shop.tasks.report", "schedule": crontab(hour=2, minute=0)}}
    ```

    ## Limits

    Silent where the minute is given, be it `"*"`, where the name of the entry or of its task speaks of
    minutes, and where `*` or `**` gives the fields. `CrontabSchedule` of django-celery-beat is looked at as
    well, crontabs of other libraries are not. A field that only the run knows is not taken for a choice.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#crontab-schedules>
    """

    code = "CEL810"
    name = "crontab-missing-minute"
    severity = "error"
    preset = "recommended"
    fixable = "unsafe"
    message = "`{call}` without a minute fires 60 times in each of these hours"
    help = 'give it a minute: `minute=0`, or `minute="*"` if every minute is meant'
    variants = {
        "days": (
            "`{call}` without hour and minute fires 1440 times on each of these days",
            'give it both: `hour=0, minute=0`, or `minute="*"` if every minute is meant',
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_a_crontab_without_a_minute"

    @on(CrontabFields.without_minute)
    def check(self, fact: MissingMinute) -> Iterator[Finding]:
        """Report the crontab."""
        variant, fix = ("days", "hour=0, minute=0") if fact.all_day else ("", "minute=0")
        yield Finding(fact.place, {"call": fact.call}, (), variant, (fix,))
