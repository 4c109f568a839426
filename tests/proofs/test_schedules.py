"""Proofs of what schedules do: Celery's own schedules say when they are due."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import ClassVar, NamedTuple

import pytest
from celery import Celery, Task
from celery.beat import PersistentScheduler, Scheduler, SchedulingError
from celery.schedules import ParseException, crontab

from celery_lint.diagnostics import Span
from celery_lint.inventory.application.beat.cron_fields import FIELDS, InvalidField, moments, occurs
from celery_lint.model.facts import Value
from tests.proofs.harness import Servers, Worker, until

MONDAY = datetime(2026, 11, 30, tzinfo=timezone.utc)


@pytest.fixture
def app() -> Celery:
    """An application without a broker."""
    return Celery("shop", set_as_current=False, broker="memory://", timezone="UTC")


def runs(schedule: crontab, app: Celery, hours: int = 24) -> list[datetime]:
    """When a crontab is due within these hours of a Monday, asked once a minute as beat does."""
    now = [MONDAY]
    schedule.app, schedule.nowfun = app, lambda: now[0]
    last, found = MONDAY - timedelta(minutes=1), []
    for minute in range(hours * 60):
        now[0] = MONDAY + timedelta(minutes=minute)
        if schedule.is_due(last).is_due:
            found.append(now[0])
            last = now[0]
    return found


@pytest.mark.proof("CEL810")
def test_a_crontab_without_a_minute(app: Celery) -> None:
    """It is due at each minute of the hour, or of the day."""
    assert len(runs(crontab(hour=2), app)) == 60
    assert len(runs(crontab(hour="*/1"), app)) == 24 * 60
    assert len(runs(crontab(day_of_week="mon"), app)) == 24 * 60
    assert runs(crontab(hour=2, minute=0), app) == [MONDAY + timedelta(hours=2)]


@pytest.mark.proof("CEL811")
def test_a_line_of_cron_that_celery_takes_for_a_minute() -> None:
    """It reads the step or the range that the line begins with, and nothing of the rest."""
    taken = crontab("*/30 5 1 * *")
    assert (taken.minute, len(taken.hour), len(taken.day_of_month)) == ({0, 30}, 24, 31)
    assert len(crontab("0-9 5 * * *").hour) == 24
    assert crontab.from_string("*/30 5 1 * *").hour == {5}


@pytest.mark.proof("CEL811")
def test_crontabs_that_celery_refuses() -> None:
    """They cannot be made."""
    for fields in (
        {"hour": 24},
        {"minute": 60},
        {"day_of_week": 7},
        {"day_of_month": 0},
        {"day_of_week": "someday"},
        {"minute": "*/0"},
        {"minute": "0/15"},
        {"minute": "0 2 * * *"},
    ):
        with pytest.raises(ValueError, match=r"range|literal|zero"):
            crontab(**fields)
    for fields in ({"day": 1}, {"second": 0}, {"minute": 0.5}, {"minute": None}, {"hour": ["1", "2"]}):
        with pytest.raises(TypeError):
            crontab(**fields)
    with pytest.raises(ParseException):
        crontab(minute="5,")
    for text in ("0 2 * *", "0 0 2 * * *", "@daily", "0 24 * * *"):
        with pytest.raises(ValueError, match=r"unpack|range"):
            crontab.from_string(text)
    assert crontab(hour="22-2").hour == {22, 23, 0, 1, 2}


@pytest.mark.proof("CEL811")
def test_a_date_that_never_comes(app: Celery) -> None:
    """Celery refuses the crontab; before it did, beat raised."""
    for days, months in ((30, 2), ("31", "4,6,9,11")):
        with pytest.raises((ValueError, RuntimeError)):
            runs(crontab(minute=0, hour=0, day_of_month=days, month_of_year=months), app, 1)


@pytest.mark.proof("CEL815")
def test_a_step_beyond_the_field(app: Celery) -> None:
    """Only the first moment is left."""
    every_hour = [MONDAY + timedelta(hours=hour) for hour in range(24)]
    assert runs(crontab(minute="*/90"), app) == every_hour
    assert len(runs(crontab(minute="*/15"), app)) == 96


class Ticking(NamedTuple):
    """An application with tasks, and a beat for it that runs here, with a broker in memory."""

    app: Celery
    poll: Task
    bill: Task

    def send(self, **entry: object) -> None:
        """Send an entry as beat does when it is due."""
        beat = Scheduler(app=self.app, lazy=True)
        made = beat.Entry(name="entry", app=self.app, **{"task": "bill", "schedule": 60, **entry})
        beat.apply_async(made, producer=beat.producer, advance=False)


@pytest.fixture
def ticking(app: Celery) -> Ticking:
    """Two tasks, one with a parameter."""

    @app.task(name="poll", shared=False)
    def poll() -> None:
        pass

    @app.task(name="bill", shared=False)
    def bill(month: str) -> None:
        pass

    return Ticking(app, poll, bill)


@pytest.mark.proof("CEL822")
def test_arguments_that_do_not_fit(ticking: Ticking) -> None:
    """Beat cannot send the entry."""
    entries: list[tuple[dict[str, object], str]] = [
        ({}, "missing 1 required positional argument: 'month'"),
        ({"args": (1, 2)}, "takes 1 positional argument but 2 were given"),
        ({"kwargs": {"year": 1}}, "unexpected keyword argument 'year'"),
    ]
    for entry, error in entries:
        with pytest.raises(SchedulingError, match=error):
            ticking.send(**entry)
    ticking.send(args=("May",))


@pytest.mark.proof("CEL818")
def test_entries_that_beat_cannot_make(ticking: Ticking, tmp_path: Path) -> None:
    """Beat ends when it starts: it makes all entries before the first is due."""

    def starts(**entry: object) -> Scheduler:
        ticking.app.conf.beat_schedule = {"poll": {"task": "poll", **entry}}
        beat = Scheduler(app=ticking.app, lazy=True)
        beat.setup_schedule()
        return beat

    for schedule in ("0 2 * * *", {"minute": 0}, (60,)):
        with pytest.raises(AttributeError, match="has no attribute 'app'"):
            starts(schedule=schedule)
    for key in ("expires", "queue", "arg", "description", "enabled"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{key}'"):
            starts(schedule=60, **{key: 1})
    starts()
    kept = PersistentScheduler(app=ticking.app, schedule_filename=str(tmp_path / "entries"))
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute"):
        kept.tick()
    for schedule in (60, timedelta(minutes=1), crontab.from_string("0 2 * * *")):
        assert starts(schedule=schedule, options={"expires": 50}, relative=True).schedule["poll"].schedule


@pytest.mark.proof("CEL821")
def test_entries_that_cannot_be_sent(ticking: Ticking) -> None:
    """Beat fails at each tick; a text is taken apart."""
    entries: list[tuple[dict[str, object], str]] = [
        ({"args": "May"}, "takes 1 positional argument but 3 were given"),
        ({"args": 5}, "'int' object is not iterable"),
        ({"kwargs": ["May"]}, "has no attribute 'items'"),
        ({"args": ("May",), "options": {"expires": timedelta(minutes=1)}}, "'<' not supported"),
        ({"args": ("May",), "options": {"countdown": timedelta(minutes=1)}}, "'<' not supported|unsupported"),
    ]
    for entry, error in entries:
        with pytest.raises(SchedulingError, match=error):
            ticking.send(**entry)
    ticking.send(args="M")
    ticking.send(args={"month": 5})
    ticking.send(args=("May",), options={"expires": 60})


@pytest.mark.proof("CEL821")
def test_entries_that_cannot_be_written_down(ticking: Ticking, tmp_path: Path) -> None:
    """The scheduler that beat takes by itself ends when it starts, before anything is due."""

    def starts(**entry: object) -> None:
        ticking.app.conf.beat_schedule = {"poll": {"task": "poll", "schedule": 60, **entry}}
        PersistentScheduler(app=ticking.app, schedule_filename=str(tmp_path / "entries"))

    for entry, error, text in (
        ({"args": 5}, TypeError, "'int' object is not iterable"),
        ({"kwargs": ["May"]}, AttributeError, "has no attribute 'items'"),
        ({"kwargs": "May"}, AttributeError, "has no attribute 'items'"),
    ):
        with pytest.raises(error, match=text):
            starts(**entry)
    for entry in ({"args": "May"}, {"args": {"month": 5}}, {"args": 0}, {"task": ticking.poll}):
        starts(**entry)


@pytest.mark.proof("CEL821")
def test_a_task_in_place_of_its_name(ticking: Ticking, servers: Servers) -> None:
    """No message of a real broker can hold it."""
    ticking.app.conf.broker_url = servers.broker
    with pytest.raises(SchedulingError, match="not JSON serializable"):
        ticking.send(task=ticking.poll)
    with pytest.raises(TypeError, match="unhashable type: 'Signature'"):
        ticking.send(task=ticking.poll.s())
    ticking.send(task=ticking.poll.name)


@pytest.mark.proof("CEL826")
def test_a_period_of_nothing(ticking: Ticking) -> None:
    """It is due at each tick."""
    for period, least in ((0, 5), (-5, 5), (timedelta(0), 5), (60, 0)):
        beat = Scheduler(app=ticking.app, lazy=True)
        beat.schedule = {"poll": beat.Entry(name="poll", task="poll", schedule=period, app=ticking.app)}
        for _ in range(5):
            beat.tick()
        assert beat.schedule["poll"].total_run_count == least


def scheduled(app: Celery, given: object) -> object:
    """The schedule with what `add_periodic_task` is given; it may wait for the configuration."""
    app.add_periodic_task(10, given)
    app.finalize()
    return app.conf.beat_schedule


@pytest.mark.proof("CEL828")
def test_what_is_no_signature(ticking: Ticking) -> None:
    """Nothing is scheduled: it has no name."""
    for given in ("poll", lambda: None, ticking.poll(), ticking.poll.delay()):
        with pytest.raises(AttributeError):
            scheduled(ticking.app, given)
    assert ticking.app.add_periodic_task(10, ticking.poll.s()) == "poll()"
    assert ticking.app.add_periodic_task(10, ticking.poll) == "poll()"


@pytest.mark.proof("CEL828")
def test_a_signature_is_called_sig(ticking: Ticking) -> None:
    """Nothing is scheduled."""
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'sig'"):
        ticking.app.add_periodic_task(schedule=10, signature=ticking.poll.s())
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'schedule'"):
        ticking.app.add_periodic_task(sig=ticking.poll.s(), interval=10)
    ticking.app.finalize()
    assert ticking.app.conf.beat_schedule == {}


@pytest.mark.proof("CEL828")
def test_receivers_get_the_application_by_keyword() -> None:
    """As ``sender``: another parameter gets nothing, and Celery logs the ``TypeError``."""
    celery = Celery("shop", broker="memory://")

    @celery.on_after_configure.connect
    def unfit(application: Celery, **_: object) -> None:
        application.add_periodic_task(10, celery.signature("unfit"))

    @celery.on_after_configure.connect
    def fit(sender: Celery, **_: object) -> None:
        sender.add_periodic_task(10, celery.signature("fit"))

    celery.finalize()
    assert [entry["task"] for entry in celery.conf.beat_schedule.values()] == ["fit"]


def test_fields_mean_what_they_mean_to_celery() -> None:
    """The linter's reading of a field, compared with Celery's on texts of all kinds."""
    chance = random.Random(8)
    parts = ["*", "/", "-", ",", "1", "5", "7", "0", "12", "31", "60", "24", "mon", "feb", " ", "mondy", "2"]
    span = Span(1, 1, 1, 1)
    for _ in range(4000):
        field = chance.choice(list(FIELDS))
        text = "".join(chance.choice(parts) for _ in range(chance.randint(0, 5)))
        try:
            theirs: object = set(getattr(crontab(**{field: text}), field))
        except Exception as error:
            theirs = type(error).__name__
        try:
            ours: object = set(moments(field, Value("constant", span, text)) or ())
        except InvalidField as invalid:
            ours = invalid.error
        assert ours == theirs, (field, text)
    assert occurs(frozenset({29}), frozenset({2}))
    assert not occurs(frozenset({30}), frozenset({2}))


LATE = """
from shop import app

@app.task
def send():
    pass

@app.on_after_configure.connect
def configured(sender, **kwargs):
    sender.add_periodic_task(60.0, send.s(), name="configured")

@app.on_after_finalize.connect
def finalized(sender, **kwargs):
    sender.add_periodic_task(60.0, send.s(), name="finalized")
"""
BEAT = """
from celery.apps.beat import Beat
from shop import app

beat = Beat(app=app)
beat.init_loader()
app.finalize()
print(sorted(app.conf.beat_schedule))
"""


@pytest.mark.proof("CEL829")
@pytest.mark.parametrize("load", ["app.conf.include = ['mails']", "app.autodiscover_tasks(['mails'], None)"])
def test_a_module_that_is_loaded_late_misses_the_configuration(load: str, tmp_path: Path) -> None:
    """Beat has read the settings before it imports what they name."""

    def schedule(text: str) -> str:
        (tmp_path / "shop.py").write_text(
            f"from celery import Celery\n\napp = Celery(broker='memory://')\n{text}\n"
        )
        (tmp_path / "mails.py").write_text(LATE)
        done = subprocess.run(
            [sys.executable, "-c", BEAT], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert schedule(load) == "['finalized']"
    assert schedule("import mails") == "['configured', 'finalized']", (
        "what the application imports is in time"
    )


class Configuration:
    """What an application loads."""

    beat_schedule: ClassVar = {"purge": {"task": "purge", "schedule": timedelta(hours=1)}}


@pytest.mark.proof("CEL830")
def test_a_schedule_that_is_set_replaces_the_one_that_is_loaded() -> None:
    """Whichever comes first: beat has the entries of one of them."""
    by_hand = {"remind": {"task": "remind", "schedule": timedelta(minutes=1)}}

    def entries(configure: Callable[[Celery], object], first: bool = False) -> set[str]:
        app = Celery("shop", set_as_current=False, broker="memory://")
        if first:
            configure(app)
        app.config_from_object(Configuration)
        if not first:
            configure(app)
        beat = Scheduler(app=app, lazy=True)
        beat.setup_schedule()
        beat.merge_inplace(app.conf.beat_schedule)
        return set(beat.schedule) - {"celery.backend_cleanup"}

    def assigned(app: Celery) -> None:
        app.conf.beat_schedule = by_hand

    assert entries(assigned) == entries(assigned, first=True) == {"remind"}
    assert entries(lambda app: app.conf.update(beat_schedule=by_hand)) == {"remind"}

    def merged(app: Celery) -> None:
        app.conf.beat_schedule = {**app.conf.beat_schedule, **by_hand}

    assert entries(merged) == {"purge", "remind"}
    assert entries(lambda app: app.conf.beat_schedule.update(by_hand)) == {"purge", "remind"}


@pytest.mark.proof("CEL831")
def test_a_worker_sends_nothing_of_its_schedule(
    start: Callable[..., Worker], servers: Servers, tmp_path: Path
) -> None:
    """Only one with a beat does, which starts later and is seen to send an entry."""
    alone = start("schedules", "prefork", servers, concurrency=1)
    embedded = ("--beat", "--schedule", str(tmp_path / "schedule"))
    beaten = start("schedules", "prefork", servers, concurrency=1, options=embedded)
    assert until(lambda: len(beaten.marks()) >= 3)
    assert alone.good("application.ping").all_succeeded()
    assert alone.marks() == set()
