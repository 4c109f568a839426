"""CEL524 reject-without-acks-late."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.acknowledgement import Acknowledgement, Rejection
from celery_lint.rule import Finding, Rule, on


class RejectWithoutAcksLate(Rule):
    """A task raises `Reject` after its message has been acknowledged.

    ## Why it matters

    Without `acks_late` the message is acknowledged before the task runs, and nothing is left to reject. It
    does not go to the dead letter exchange; with `requeue=True` it is not delivered again either: on a real
    worker the task ran once, and its result stayed `PENDING`.

    ## Example

    ```python
    from celery import Celery
    from celery.exceptions import Reject

    app = Celery("proj", broker="amqp://localhost")


    @app.task(soft_time_limit=50, time_limit=60)
    def load(order):
        if not order:
            raise Reject("an empty order", requeue=False)
    ```

    ## Use instead

    ```python
    from celery import Celery
    from celery.exceptions import Reject

    app = Celery("proj", broker="amqp://localhost")


    @app.task(acks_late=True, soft_time_limit=50, time_limit=60)
    def load(order):
        if not order:
            raise Reject("an empty order", requeue=False)
    ```

    ## Limits

    Looks for `acks_late` in the decorator, its wrapper, the base class, `task_annotations` and the settings
    of the application; silent where any of them sets it or cannot be read, and where the application is not
    part of the project. A function that several tasks call is told if none of them acknowledges late. Without
    `requeue`, Redis drops what is rejected, as it has no dead letters: there it makes no difference.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#reject>
    """

    code = "CEL524"
    name = "reject-without-acks-late"
    severity = "warning"
    preset = "recommended"
    message = "`Reject` comes too late: task `{task}` is acknowledged before it runs"
    help = "add `acks_late=True` to the task, or raise an ordinary exception"
    variants = {
        "requeue": (
            "the rejected message of task `{task}` is lost: it is acknowledged before it runs",
            "add `acks_late=True` to the task, or use `self.retry()`",
        ),
    }
    proof = "tests/proofs/test_deliveries.py::test_an_acknowledged_message_cannot_be_rejected"

    @on(Acknowledgement.rejections)
    def check(self, fact: Rejection) -> Iterator[Finding]:
        """Report a rejection that cannot reach the broker."""
        if fact.late is False and not fact.drops:
            values = {"task": fact.tasks[0].label}
            yield Finding(fact.place, values, tuple(fact.related()), "requeue" if fact.requeue else "")
