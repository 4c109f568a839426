"""When a scheduled job is due: its row as a trigger of APScheduler."""

from __future__ import annotations

from datetime import timedelta, timezone

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from celery_lint.runtime.models import ScheduledJob

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_UNITS = ("seconds", "minutes", "hours", "days")


def trigger_of(job: ScheduledJob) -> BaseTrigger:
    """The trigger of a job; raises ``ValueError`` unless it has either an interval or a cron expression.

    All times are UTC, and intervals count from the creation of the job: every scheduler comes to the same
    moments, whenever it was started.
    """
    interval = timedelta(**{unit: getattr(job, f"interval_{unit}") or 0 for unit in _UNITS})
    if (interval > timedelta(0)) == bool(job.cron_expression):
        raise ValueError(f"job {job.job_key!r} needs either an interval or a cron expression")
    if job.job_type != ("cron" if job.cron_expression else "interval"):
        raise ValueError(f"job {job.job_key!r} is of type {job.job_type!r}, which does not fit its schedule")
    if job.cron_expression:
        return cron_trigger(job.cron_expression)
    anchor = job.created_at + interval
    return IntervalTrigger(seconds=int(interval.total_seconds()), start_date=anchor, timezone=timezone.utc)


def cron_trigger(expression: str) -> CronTrigger:
    """The trigger of five cron fields, with cron's own weekdays: 0 and 7 are Sunday.

    ``CronTrigger.from_crontab`` counts them from Monday. Raises ``ValueError`` for what is no expression.
    """
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"{expression!r} has {len(fields)} fields, and a cron expression has five")
    minute, hour, day, month, weekday = fields
    return CronTrigger(
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        day_of_week=_weekdays(weekday),
        timezone=timezone.utc,
    )


def _weekdays(field: str) -> str:
    """A weekday field by names, because only those mean the same to cron and to APScheduler."""
    if field == "*":
        return field
    found: list[int] = []
    for part in field.lower().split(","):
        days, _, step = part.partition("/")
        first, _, last = days.partition("-")
        low, high = (0, 6) if first == "*" else (_weekday(first), _weekday(last or first))
        if step and not last and first != "*":
            high = 6
        if high < low:
            raise ValueError(f"weekdays {part!r} run backwards")
        found += range(low, high + 1, int(step or 1))
    return ",".join(dict.fromkeys(_DAYS[day % 7] for day in found))


def _weekday(text: str) -> int:
    if text[:3] in _DAYS:
        return _DAYS.index(text[:3])
    if text.isdecimal() and int(text) <= 7:
        return int(text)
    raise ValueError(f"{text!r} is no weekday")


__all__ = ["cron_trigger", "trigger_of"]
