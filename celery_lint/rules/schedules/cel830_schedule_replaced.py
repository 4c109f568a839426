"""CEL830 schedule-replaced."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.replaced import Replaced, ReplacedSchedules
from celery_lint.rule import Finding, Rule, on

_SHOWN = 5


class ScheduleReplaced(Rule):
    """A schedule that is set by hand takes the place of the one that the application loads, or is lost to it.

    ## Why it matters

    What an application is given by hand wins over all that it loads, whichever comes first, and it wins as a
    whole: the two schedules are not merged. Beat never hears of the entries in the settings, and nothing says
    so. Before Celery 5.7 it is the other way round where settings are loaded with `namespace="CELERY"`: then
    `CELERY_BEAT_SCHEDULE` wins, and `conf.beat_schedule = ...` is lost.

    ## Example

    ```python
    # shop/__init__.py

    # shop/configuration.py
    beat_schedule = {"purge": {"task": "shop.jobs.purge", "schedule": 3600.0}}

    # shop/jobs.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.config_from_object("shop.configuration")
    app.conf.task_time_limit = 60
    app.conf.task_soft_time_limit = 50
    app.conf.beat_schedule = {"remind": {"task": "shop.jobs.remind", "schedule": 60.0}}


    @app.task(ignore_result=True)
    def purge():
        print("purged")


    @app.task(ignore_result=True)
    def remind():
        print("reminded")
    ```

    ## Use instead

    ```python
    # shop/__init__.py

    # shop/configuration.py
    beat_schedule = {
        "purge": {"task": "shop.jobs.purge", "schedule": 3600.0},
        "remind": {"task": "shop.jobs.remind", "schedule": 60.0},
    }

    # shop/jobs.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.config_from_object("shop.configuration")
    app.conf.task_time_limit = 60
    app.conf.task_soft_time_limit = 50


    @app.task(ignore_result=True)
    def purge():
        print("purged")


    @app.task(ignore_result=True)
    def remind():
        print("reminded")
    ```

    ## Limits

    Speaks of schedules that are set in a statement of the module itself, by `conf.beat_schedule` or
    `conf.update`, and of entries for tasks of the project that no other entry runs. Silent where anything
    reads the name of the schedule that is lost, where a condition or a `try` of the settings decides what is
    loaded, where the settings import or empty it further down, where another application keeps it, where one
    of the two unpacks others (`**`), and where a database keeps schedules (`beat_scheduler`,
    django-celery-beat). Which Celery a project runs on is read in its lists of dependencies; 5.7 is assumed
    where these allow it.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#entries>
    * <https://docs.celeryq.dev/en/stable/userguide/application.html#configuration>
    """

    code = "CEL830"
    name = "schedule-replaced"
    severity = "error"
    preset = "recommended"
    message = "this replaces the loaded `{setting}`: beat never sends `{entry}`"
    help = "write these entries in `{setting}`, or add them: `conf.beat_schedule.update(...)`"
    variants = {
        "several": (
            "this replaces the loaded `{setting}`: beat never sends `{entry}` and {more} more",
            "write these entries in `{setting}`, or add them: `conf.beat_schedule.update(...)`",
        ),
        "in-vain": (
            "`{setting}` wins before Celery 5.7: beat never sends `{entry}`",
            "write these entries in `{setting}`, or add them: `conf.beat_schedule.update(...)`",
        ),
        "several-in-vain": (
            "`{setting}` wins before Celery 5.7: beat never sends `{entry}` and {more} more",
            "write these entries in `{setting}`, or add them: `conf.beat_schedule.update(...)`",
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_a_schedule_that_is_set_replaces_the_one_that_is_loaded"

    @on(ReplacedSchedules.replaced)
    def check(self, fact: Replaced) -> Iterator[Finding]:
        """Report the schedule, pointing at the entries that get lost."""
        (entry, _), *others = fact.lost
        values = {"setting": fact.loaded.key, "entry": entry, "more": len(others)}
        related = tuple([(place, f"`{name}` is never sent") for name, place in fact.lost[:_SHOWN]])
        variants = ("in-vain", "several-in-vain") if fact.wins else ("", "several")
        yield Finding(fact.place, values, related, variants[bool(others)])
