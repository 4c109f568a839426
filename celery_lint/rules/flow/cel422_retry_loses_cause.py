"""CEL422 retry-loses-cause."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_causes import LostCause, RetryCauses
from celery_lint.rule import Finding, Rule, on


class RetryLosesCause(Rule):
    """A retry in an `except` does not tell which error made it necessary.

    ## Why it matters

    Without `exc` the last attempt fails with `MaxRetriesExceededError`: that is what the result, the errback
    and the report show, not the error that was caught. The state `RETRY` has no cause either.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data")
        except OSError:
            raise self.retry(countdown=10)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data")
        except OSError as exc:
            raise self.retry(exc=exc, countdown=10)
    ```

    ## Limits

    Silent inside a `try` that catches `MaxRetriesExceededError`, which only a call without `exc` raises, and
    where `request.retries` decides on which way the task ends, so that the last attempt is another one.
    Silent where the retry is how the task waits: it has no last attempt (`max_retries=None`) or a hundred of
    them, or what is caught says that something is locked, pending or not ready.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry>
    """

    code = "CEL422"
    name = "retry-loses-cause"
    severity = "advice"
    preset = "strict"
    fixable = "unsafe"
    message = "without `exc` the final failure is MaxRetriesExceededError, not the error caught here"
    help = "write `except … as exc:` and `retry(exc=exc)`"
    proof = "tests/proofs/test_retries.py::test_retries_without_a_cause_end_without_it"

    @on(RetryCauses.lost)
    def check(self, fact: LostCause) -> Iterator[Finding]:
        """Report a call in a handler that does not pass the error on."""
        yield Finding(fact.place, fix=())
