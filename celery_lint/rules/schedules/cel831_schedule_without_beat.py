"""CEL831 schedule-without-beat."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.without_beat import SchedulesWithoutBeat, Unbeaten
from celery_lint.rule import Finding, Rule, on

_SHOWN = 3


class ScheduleWithoutBeat(Rule):
    """An application has a schedule, its workers are deployed, and nothing starts beat.

    ## Why it matters

    A worker does not look at the schedule: beat does, a process of its own (`celery beat`), or one that a
    single worker starts beside itself (`worker --beat`). Without it no entry is ever sent. Nothing fails and
    nothing is logged, so that nobody misses the task until its work is missing.

    ## Example

    ```python
    # Procfile: web: gunicorn shop.web:app
    # Procfile: worker: celery -A shop.celery worker

    # shop/__init__.py

    # shop/celery.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)
    app.conf.beat_schedule = {"purge": {"task": "shop.celery.purge", "schedule": 3600.0}}


    @app.task(ignore_result=True)
    def purge():
        print("purged")
    ```

    ## Use instead

    ```python
    # Procfile: web: gunicorn shop.web:app
    # Procfile: worker: celery -A shop.celery worker
    # Procfile: beat: celery -A shop.celery beat

    # shop/__init__.py

    # shop/celery.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)
    app.conf.beat_schedule = {"purge": {"task": "shop.celery.purge", "schedule": 3600.0}}


    @app.task(ignore_result=True)
    def purge():
        print("purged")
    ```

    ## Limits

    Speaks where a file that lists all processes of a deployment (a compose file, a `Procfile`, a
    configuration of supervisor, units of systemd in one folder) starts workers of the application and
    something else, and of entries whose tasks nothing else sends. Silent where any other text of the project
    holds the word beat or `-B` (a script, a manifest, documentation but plans and histories), names cron (but
    for what looks after the machine, as certbot and logrotate do) or another scheduler, where code may start
    beat or imports a package that keeps time, where code goes through the schedule by itself, where all
    workers are for development, and where it cannot be told what a process does: its command is a variable or
    a script that is not there, its image is built elsewhere, or the file is a template, and where a pipeline
    or a script starts the product with a file that is not there (`docker compose -f compose.prod.yml up`), or
    pushes images of workers that no file here starts.

    Where files start workers and nothing in the project starts beat or speaks of it, other rules say nothing
    of single entries: none of them is sent.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#starting-the-scheduler>
    """

    code = "CEL831"
    name = "schedule-without-beat"
    severity = "error"
    preset = "recommended"
    message = "nothing starts beat: `{entry}` is never sent"
    help = "start one beside the workers: `celery -A {app} beat`"
    variants = {
        "several": (
            "nothing starts beat: `{entry}` is never sent, nor {more} more",
            "start one beside the workers: `celery -A {app} beat`",
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_a_worker_sends_nothing_of_its_schedule"

    @on(SchedulesWithoutBeat.unbeaten)
    def check(self, fact: Unbeaten) -> Iterator[Finding]:
        """Report the schedule, pointing at the workers."""
        entry, *others = fact.names
        values = {"entry": entry, "more": len(others), "app": fact.workers[0].app}
        related = tuple([(each.place, "this deployment has no beat") for each in fact.workers[:_SHOWN]])
        yield Finding(fact.place, values, related, "several" if others else "")
