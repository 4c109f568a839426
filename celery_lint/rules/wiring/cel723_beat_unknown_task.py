"""CEL723 beat-unknown-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.named_tasks import NamedTasks, UnknownName
from celery_lint.rule import Cause, Finding, Rule, on


class BeatUnknownTask(Rule):
    """An entry of a schedule names a task that does not exist.

    ## Why it matters

    At every tick the scheduler sends a message that the worker throws away. The scheduler logs that it sent
    the task, so that everything looks well, and the work is never done.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")


    @app.task(name="shop.close_orders", ignore_result=True, time_limit=60, soft_time_limit=50)
    def close_orders():
        print("closed")


    app.conf.beat_schedule = {
        "close-orders": {"task": "shop.close_order", "schedule": 3600.0},
    }
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")


    @app.task(name="shop.close_orders", ignore_result=True, time_limit=60, soft_time_limit=50)
    def close_orders():
        print("closed")


    app.conf.beat_schedule = {
        "close-orders": {"task": "shop.close_orders", "schedule": 3600.0},
    }
    ```

    ## Limits

    Knows schedules in the settings of an application (`beat_schedule`, `CELERY_BEAT_SCHEDULE`, what is added
    to them), `PeriodicTask.objects` and `PeriodicTask(…)` of django-celery-beat, and
    `RedBeatSchedulerEntry`. It speaks only where the name begins with a module of the project that has no
    such task, or is the name of a task but for one or two letters; and it says nothing where names may exist
    that nobody can see, see CEL710, where the project has no task at all and its launch files start
    everything but a worker, or where no command starts beat, the module is not there and no worker consumes
    the queue of the entry either: all are still to come. Entries with one name, or whose tasks lie in one
    module or package that is missing, or in a module where what should be an application is `None`, are told
    once, and those in a module that `include` names in vain are left to CEL712.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#entries>
    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#names>
    """

    code = "CEL723"
    name = "beat-unknown-task"
    severity = "error"
    preset = "recommended"
    message = "no task is named `{name}`: it only gives `Received unregistered task`"
    help = "did you mean `{guess}`?"
    variants = {
        "nameless": (
            "no task is named `{name}`: it only gives `Received unregistered task`",
            "correct the name, or define a task with it",
        ),
        "unmade": (
            "no task is named `{name}`: it only gives `Received unregistered task`",
            "`@{decorator}` makes no task in `{path}`: use the application that workers start there",
        ),
    }
    proof = "tests/proofs/test_wiring.py::test_a_message_for_a_name_that_no_task_has_is_thrown_away"
    fixable = "unsafe"

    @on(NamedTasks.scheduled)
    def check(self, fact: UnknownName) -> Iterator[Finding]:
        """Report the name in the entry."""
        values = {"name": fact.name, "guess": fact.missing.guess}
        why = fact.missing.why
        variant = why if why in self.variants else "" if fact.missing.guess else "nameless"
        fix = (fact.name, fact.missing.guess) if fact.missing.guess else None
        given = fact.given
        if given is not None and variant == "nameless":
            values |= {"decorator": given.chain, "path": given.place.path}
            related = ((given.place, "this gives the name, and its owner is no application"),)
            yield Finding(fact.place, values, related, "unmade", cause=Cause(given.place.path))
            return
        # One edit mends all: it adds the task, or the module if that is missing, whatever it is to hold.
        missing = fact.absent or ("task", fact.name)
        yield Finding(fact.place, values, (), variant, fix, cause=None if fix else Cause(missing))
