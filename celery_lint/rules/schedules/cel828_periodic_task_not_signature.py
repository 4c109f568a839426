"""CEL828 periodic-task-not-signature."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.entries import Entries, IncompleteCall, NoSignature, UnfitReceiver
from celery_lint.rule import Finding, Rule, on


class PeriodicTaskNotSignature(Rule):
    """`add_periodic_task` is given something else than a signature, or none.

    ## Why it matters

    It asks for the name of what it is given. `task.delay()` sends the task once, right here, and its result
    has no task to schedule; `task()` runs it; a text, a function or a lambda raises `AttributeError` when
    the application is configured. Its parameters are called `schedule` and `sig`: without one of them Python
    refuses the call. A receiver that calls the application otherwise than `sender` gets none: Celery logs the
    `TypeError` and goes on.

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
    without schedule or signature is told of applications, and of the `sender` that `on_after_configure` and
    signals like it give their receivers. They give it by keyword: a receiver `setup(app, **kwargs)` is told
    where it adds entries to `app` and nothing else calls it.

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
        "text": (
            "`{written}` is no signature: `add_periodic_task` raises `AttributeError`",
            "give it the task, or write `app.signature({written})`",
        ),
        "missing": (
            "`add_periodic_task` gets no `{missing}`: `TypeError`, and nothing is scheduled",
            "give it a schedule and a signature: `add_periodic_task(60.0, task.s())`",
        ),
        "misnamed": (
            "`add_periodic_task` gets no `{missing}`: `TypeError`, and nothing is scheduled",
            "write `{missing}=` instead of `{misnamed}=`",
        ),
        "name": (
            "`add_periodic_task` gets no `{missing}`: `TypeError`, and nothing is scheduled",
            "give it the task, or write `sig=app.signature({text})` instead of `{misnamed}=`",
        ),
        "receiver": (
            "nothing gives `{parameter}`: `{receiver}` raises `TypeError`, and schedules nothing",
            "call the parameter `sender`: signals give all by keyword",
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_what_is_no_signature"

    @on(Entries.without_signature)
    def check(self, fact: NoSignature) -> Iterator[Finding]:
        """Report the argument."""
        variant = "sent" if fact.sent else "text" if fact.text else ""
        yield Finding(fact.place, {"written": fact.written}, (), variant, () if fact.sent else None)

    @on(Entries.incomplete)
    def check_call(self, fact: IncompleteCall) -> Iterator[Finding]:
        """Report the call."""
        values = {"missing": fact.missing, "misnamed": fact.misnamed, "text": fact.text}
        variant = "name" if fact.text else "misnamed" if fact.misnamed else "missing"
        yield Finding(fact.place, values, (), variant)

    @on(Entries.unfit_receivers)
    def check_receiver(self, fact: UnfitReceiver) -> Iterator[Finding]:
        """Report the function."""
        yield Finding(fact.place, {"receiver": fact.name, "parameter": fact.parameter}, (), "receiver")
