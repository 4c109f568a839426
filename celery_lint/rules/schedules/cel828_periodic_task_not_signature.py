"""CEL828 periodic-task-not-signature."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.entries import Entries, IncompleteCall, NoSignature
from celery_lint.rule import Finding, Rule, on


class PeriodicTaskNotSignature(Rule):
    """`add_periodic_task` is given something else than a signature, or none.

    ## Why it matters

    It asks for the name of what it is given. `task.delay()` sends the task once, right here, and its result
    has no task to schedule; `task()` runs it; a text, a function or a lambda raises `AttributeError` when
    the application is configured. Its parameters are called `schedule` and `sig`: without one of them Python
    refuses the call.

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

    A task without `.s()` is right: Celery makes the signature. What only the run knows is not told. A call
    without schedule or signature is told of applications, and of what `on_after_configure` and signals like
    it give their receivers.

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
        "missing": (
            "`add_periodic_task` gets no `{missing}`: `TypeError`, and nothing is scheduled",
            "give it a schedule and a signature: `add_periodic_task(60.0, task.s())`",
        ),
        "misnamed": (
            "`add_periodic_task` gets no `{missing}`: `TypeError`, and nothing is scheduled",
            "write `{missing}=` instead of `{misnamed}=`",
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_what_is_no_signature"

    @on(Entries.without_signature)
    def check(self, fact: NoSignature) -> Iterator[Finding]:
        """Report the argument."""
        yield Finding(fact.place, {"written": fact.written}, (), *(("sent", ()) if fact.sent else ()))

    @on(Entries.incomplete)
    def check_call(self, fact: IncompleteCall) -> Iterator[Finding]:
        """Report the call."""
        values = {"missing": fact.missing, "misnamed": fact.misnamed}
        yield Finding(fact.place, values, (), "misnamed" if fact.misnamed else "missing")
