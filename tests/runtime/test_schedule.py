"""When jobs are due: intervals, and cron as cron means it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("cronsim")

from celery_lint.runtime.models import ScheduledJob
from celery_lint.runtime.schedule import Cron, schedule_of

UTC = timezone.utc


def moments(expression: str, since: str, number: int, zone: str = "UTC") -> list[str]:
    """The next moments after a time of the zone, as its clock shows them, with its offset."""
    cron = Cron(expression, zone)
    moment = datetime.fromisoformat(since).replace(tzinfo=ZoneInfo(zone))
    found = []
    for _ in range(number):
        after = cron.after(moment)
        assert after is not None
        assert after.tzinfo is UTC
        moment = after.astimezone(ZoneInfo(zone))
        found.append(f"{moment:%d.%m. %H:%M %z}"[:-2])
    return found


def test_intervals_count_from_the_creation_of_the_job() -> None:
    created = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
    job = ScheduledJob(
        job_key="x",
        job_type="interval",
        interval_minutes=1,
        interval_seconds=30,
        created_at=created,
        time_zone="UTC",
    )
    schedule = schedule_of(job)
    assert schedule.after(created + timedelta(seconds=100)) == created + timedelta(seconds=180)
    assert schedule.after(created - timedelta(days=1)) == created + timedelta(seconds=90)
    assert schedule.after(created + timedelta(seconds=90)) == created + timedelta(seconds=180)
    assert schedule.latest(created + timedelta(seconds=89)) is None
    assert schedule.latest(created + timedelta(seconds=179)) == created + timedelta(seconds=90)


@pytest.mark.parametrize(
    "field, days",
    [
        ("0", "sun"),
        ("7", "sun"),
        ("1-5", "mon tue wed thu fri"),
        ("5-7", "fri sat sun"),
        ("*/2", "sun tue thu sat"),
        ("1,3", "mon wed"),
        ("MON-wed", "mon tue wed"),
    ],
)
def test_weekdays_are_those_of_cron(field: str, days: str) -> None:
    cron = Cron(f"0 12 * * {field}")
    moment = datetime(2026, 11, 22, tzinfo=UTC)  # a Sunday
    found = set()
    for _ in range(7):
        after = cron.after(moment)
        assert after is not None
        found.add(after.strftime("%a").lower())
        moment = after
    assert found == set(days.split())


def test_a_day_of_the_month_and_a_weekday_are_one_or_the_other() -> None:
    """As ``man 5 crontab`` says; a library that takes both together would wait for a Friday the 13th."""
    assert moments("0 0 13 * 5", "2026-11-01T00:00", 4) == [
        "06.11. 00:00 +00",
        "13.11. 00:00 +00",
        "20.11. 00:00 +00",
        "27.11. 00:00 +00",
    ]
    assert moments("0 0 13 * 0", "2026-11-09T00:00", 2) == ["13.11. 00:00 +00", "15.11. 00:00 +00"]


def test_the_first_sunday_of_a_month() -> None:
    found = ["01.11. 12:00 +00", "06.12. 12:00 +00", "03.01. 12:00 +00"]
    assert moments("0 12 * * sun#1", "2026-11-01T00:00", 3) == found


@pytest.mark.parametrize(
    "expression, message",
    [
        ("0 0 * *", "has 4 fields, and a cron expression has five"),
        ("0 0 0 * * *", "has 6 fields"),
        ("@daily", "has 1 fields"),
        ("99 0 * * *", "bad minute"),
        ("*/0 * * * *", "bad minute"),
        ("0 0 * * 8", "bad day-of-week"),
        ("0 0 * * 3-1", "bad day-of-week"),
        ("0 0 * * sunshine", "bad day-of-week"),
        ("1#2/3 * * * *", "no cron expression"),
        ("0 0 * * 1#2/3", "no cron expression"),
        ("0 0 30 2 *", "no cron expression: bad day-of-month"),
        ("0 0 31 4,6 *", "no cron expression: bad day-of-month"),
    ],
)
def test_what_cron_does_not_know_and_what_never_comes_true(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cron(expression)


@pytest.mark.parametrize("name", ["Berlin", "", "../etc/passwd", "Europe", "Europe/Berlin\x00"])
def test_what_is_no_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        Cron("0 0 * * *", name)


def test_clocks_that_are_put_forward_and_back() -> None:
    """A fixed time runs once a day, whatever the clock does; where a star stands real time counts."""
    berlin = "Europe/Berlin"
    assert moments("30 2 * * *", "2026-03-28T00:00", 3, berlin) == [
        "28.03. 02:30 +01",
        "29.03. 03:00 +02",  # 02:30 is leapt over
        "30.03. 02:30 +02",
    ]
    assert moments("30 2 * * *", "2026-10-24T00:00", 3, berlin) == [
        "24.10. 02:30 +02",
        "25.10. 02:30 +02",  # and not again an hour later
        "26.10. 02:30 +01",
    ]
    assert moments("*/30 * * * *", "2026-03-29T01:00", 3, berlin) == [
        "29.03. 01:30 +01",
        "29.03. 03:00 +02",
        "29.03. 03:30 +02",
    ]
    assert moments("*/30 * * * *", "2026-10-25T01:59", 5, berlin) == [
        "25.10. 02:00 +02",
        "25.10. 02:30 +02",
        "25.10. 02:00 +01",
        "25.10. 02:30 +01",
        "25.10. 03:00 +01",
    ]
    assert moments("0 2 * * *", "2026-07-01T12:00", 1, "Africa/Cairo") == ["02.07. 02:00 +03"]


def test_from_within_an_hour_that_comes_twice() -> None:
    """A fixed time of the first pass is no next moment for one who asks in the second."""
    cron = Cron("15,45 1-3 * * *", "Europe/Berlin")
    second_pass = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert cron.after(second_pass) == datetime(2026, 10, 25, 2, 15, tzinfo=UTC)
    assert cron.latest(second_pass) == datetime(2026, 10, 25, 0, 45, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    "expression", ["30 2 * * *", "*/30 * * * *", "15,45 1-3 * * *", "0 0 13 * 5", "0 12 L * *", "*/7 2 * * *"]
)
def test_the_latest_moment_is_the_one_before_the_next(expression: str, zone: str) -> None:
    """Also around the hours in which the clocks of these zones are put forward and back."""
    cron = Cron(expression, zone)
    for day in ("2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"):
        moment = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=20)
        for step in range(57):
            asked = moment + timedelta(minutes=43 * step, microseconds=step)
            latest = cron.latest(asked)
            assert latest is not None
            assert latest <= asked
            assert cron.after(latest - timedelta(seconds=1)) == latest
            following = cron.after(latest)
            assert following is not None
            assert following > asked
