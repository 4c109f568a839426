"""CEL822 schedule-argument-mismatch."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.entries import Entries, UnfitEntry
from celery_lint.rule import Finding, Rule, on


class ScheduleArgumentMismatch(Rule):
    """An entry of a schedule gives its task arguments that it does not take.

    ## Why it matters

    Beat logs `Couldn't apply scheduled task` at each tick and goes on, and the task never runs. Where Celery
    does not compare arguments with the task, each run fails in the worker.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task(name="shop.bill")
    def bill(month):
        print(month)


    app.conf.beat_schedule = {"bill": {"task": "shop.bill", "schedule": 3600.0}}
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task(name="shop.bill")
    def bill(month):
        print(month)


    app.conf.beat_schedule = {"bill": {"task": "shop.bill", "schedule": 3600.0, "args": ("last",)}}
    ```

    ## Limits

    Silent where something may change the arguments of the task, as for CEL610, where the name of the task is
    not unique in the project, and where the arguments are not written out. Of a signature that
    `add_periodic_task` gets, only what is missing is told here: the rest is told by CEL610.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#available-fields>
    """

    code = "CEL822"
    name = "schedule-argument-mismatch"
    severity = "error"
    preset = "recommended"
    message = "each tick raises `{error}`"
    help = "`{task}` takes `{signature}`: give the entry `args` and `kwargs` that fit"
    proof = "tests/proofs/test_schedules.py::test_arguments_that_do_not_fit"

    @on(Entries.unfit)
    def check(self, fact: UnfitEntry) -> Iterator[Finding]:
        """Report the entry, pointing at the task."""
        task = fact.signature.task
        values = {"error": fact.error, "task": task.label, "signature": fact.signature.spelled}
        related = ((task.place, f"task `{task.label}` is defined here"),)
        yield Finding(fact.place, values, related, runs=(task,))
