"""CEL525 reject-requeue-loop."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.acknowledgement import Acknowledgement, Rejection
from celery_lint.rule import Finding, Rule, on


class RejectRequeueLoop(Rule):
    """A task puts its message back into the queue, unconditionally and at once.

    ## Why it matters

    `Reject(requeue=True)` returns the message to the queue, from where it is taken again within milliseconds.
    Nothing counts and nothing waits: as long as the reason lasts, the worker does nothing else, and writes
    its log.

    ## Example

    ```python
    from celery import shared_task
    from celery.exceptions import Reject


    @shared_task(acks_late=True, soft_time_limit=50, time_limit=60)
    def load(path):
        try:
            return open(path).read()
        except OSError as error:
            raise Reject(error, requeue=True) from error
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, acks_late=True, max_retries=5, soft_time_limit=50, time_limit=60)
    def load(self, path):
        try:
            return open(path).read()
        except OSError as error:
            raise self.retry(exc=error, countdown=30) from error
    ```

    ## Limits

    Silent where the function looks at its request before (`delivery_info["redelivered"]`, a number of
    attempts), or sleeps, and where the task does not acknowledge late: that is CEL524.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#reject>
    """

    code = "CEL525"
    name = "reject-requeue-loop"
    severity = "warning"
    preset = "recommended"
    message = "the message goes back to the queue at once, in an endless loop"
    help = "use `self.retry(countdown=...)`, which waits and counts"
    proof = "tests/proofs/test_deliveries.py::test_a_rejected_message_comes_back_at_once"

    @on(Acknowledgement.rejections)
    def check(self, fact: Rejection) -> Iterator[Finding]:
        """Report a rejection that has no bound."""
        if fact.requeue and fact.late and not fact.guarded:
            yield Finding(fact.place, {}, tuple(fact.related()))
