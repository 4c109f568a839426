"""CEL828 periodic-task-not-signature."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.entries import Entries, NoSignature
from celery_lint.rule import Finding, Rule, on


class PeriodicTaskNotSignature(Rule):
    """`add_periodic_task` is given something else than a signature.

    ## Why it matters

    It asks for the name of what it is given. `task.delay()` sends the task once, right here, and its result
    has no task to schedule; `task()` runs it; a text, a function or a lambda raises `AttributeError` when
    the application is configured.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def poll():
        print("poll")


    @app.on_after_configure.connect
    def schedule(sender, **kwargs):
        sender.add_periodic_task(30.0, poll.delay())
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def poll():
        print("poll")


    @app.on_after_configure.connect
    def schedule(sender, **kwargs):
        sender.add_periodic_task(30.0, poll.s())
    ```

    ## Limits

    A task without `.s()` is right: Celery makes the signature. What only the run knows is not told.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#entries>
    """

    code = "CEL828"
    name = "periodic-task-not-signature"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`{written}` is no signature: `add_periodic_task` raises `AttributeError`"
    help = "write `task.s()` instead"
    variants = {
        "sent": (
            "`{written}` runs the task once, here, and schedules nothing",
            "write `.s()` instead",
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_what_is_no_signature"

    @on(Entries.without_signature)
    def check(self, fact: NoSignature) -> Iterator[Finding]:
        """Report the argument."""
        yield Finding(fact.place, {"written": fact.written}, (), *(("sent", ()) if fact.sent else ()))
