"""When a scheduled job is due.

Cron expressions are read by `cronsim <https://pypi.org/project/cronsim/>`_, which does what the ``cron`` of
Debian does, also where clocks are put forward and back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from celery_lint.runtime.models import ScheduledJob

_UNITS = ("days", "hours", "minutes", "seconds")
#: The longest interval. What is longer is more likely a slip, and would leave the calendar some day.
LONGEST = timedelta(days=3660)
#: No clock is put forward or back by more.
_AROUND_A_CHANGE = timedelta(hours=3)


class Schedule(ABC):
    """The moments of a job, all of them aware and in UTC."""

    @abstractmethod
    def after(self, moment: datetime) -> datetime | None:
        """The first moment later than this one; none if there is none within fifty years."""

    @abstractmethod
    def latest(self, moment: datetime) -> datetime | None:
        """The last moment that is not later than this one."""


class Every(Schedule):
    """Each interval, counted from an anchor: all schedulers come to the same moments, whenever they start."""

    def __init__(self, interval: timedelta, anchor: datetime) -> None:
        self._interval = interval
        self._anchor = anchor

    def after(self, moment: datetime) -> datetime:
        passed = max(0, (moment - self._anchor) // self._interval)
        return self._anchor + (passed + 1) * self._interval

    def latest(self, moment: datetime) -> datetime | None:
        passed = (moment - self._anchor) // self._interval
        return self._anchor + passed * self._interval if passed >= 1 else None


class Cron(Schedule):
    """The five fields of cron, on the clock of a time zone.

    As with Debian's cron, ``0 0 13 * 5`` is each 13th *and* each Friday, and 0 and 7 are Sunday. A run at a
    fixed time that the clock leaps over in spring is made at the end of the leap, and one that it meets
    twice in autumn is made once; where minute or hour begins with a star, real time counts. ``L`` is the last
    day of a month, and ``5#2`` the second Friday.

    Raises ``ValueError`` for what is no expression, never comes true, or names no time zone.
    """

    def __init__(self, expression: str, time_zone: str = "UTC") -> None:
        number = len(expression.split())
        if number != 5:
            raise ValueError(f"{expression!r} has {number} fields, and a cron expression has five")
        self._expression = expression
        self._zone = zone_named(time_zone)
        try:
            never = self.after(datetime.now(timezone.utc)) is None
        except (CronSimError, AssertionError) as error:  # the latter for `1#2/3`
            raise ValueError(f"{expression!r} is no cron expression: {str(error).lower()}") from None
        if never:
            raise ValueError(f"{expression!r} never comes true")

    def after(self, moment: datetime) -> datetime | None:
        # Fixed times are counted on the clock of the zone: in an hour that comes twice they may lie behind.
        return next((found for found in self._from(moment) if found > moment), None)

    def latest(self, moment: datetime) -> datetime | None:
        start = moment.replace(microsecond=0) + timedelta(seconds=1)  # `reverse` leaves its start out
        local, before = moment.astimezone(self._zone), (moment - _AROUND_A_CHANGE).astimezone(self._zone)
        if local.utcoffset() != before.utcoffset():
            start += _AROUND_A_CHANGE
        return next((found for found in self._from(start, reverse=True) if found <= moment), None)

    def _from(self, moment: datetime, reverse: bool = False) -> Iterator[datetime]:
        for found in CronSim(self._expression, moment.astimezone(self._zone), reverse=reverse):
            yield found.astimezone(timezone.utc)


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name; raises ``ValueError`` if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of the time zones is an OSError
        raise ValueError(f"there is no time zone {name!r}; write it as in 'Europe/Berlin'") from None


def schedule_of(job: ScheduledJob) -> Schedule:
    """The schedule of a job; raises ``ValueError`` unless it has either an interval or a cron expression.

    Intervals count from the creation of the job.
    """
    units = {unit: getattr(job, f"interval_{unit}") or 0 for unit in _UNITS}
    try:
        interval = timedelta(**units)
    except OverflowError:
        interval = timedelta.max
    if min(units.values()) < 0:
        raise ValueError(f"job {job.job_key!r} has an interval that runs backwards")
    if interval > LONGEST:
        raise ValueError(f"the interval of job {job.job_key!r} is longer than {LONGEST.days} days")
    if (interval > timedelta(0)) == bool(job.cron_expression):
        raise ValueError(f"job {job.job_key!r} needs either an interval or a cron expression")
    if job.job_type != ("cron" if job.cron_expression else "interval"):
        raise ValueError(f"job {job.job_key!r} is of type {job.job_type!r}, which does not fit its schedule")
    if job.cron_expression:
        return Cron(job.cron_expression, job.time_zone)
    zone_named(job.time_zone)
    return Every(interval, job.created_at)


__all__ = ["LONGEST", "Cron", "Every", "Schedule", "schedule_of", "zone_named"]
