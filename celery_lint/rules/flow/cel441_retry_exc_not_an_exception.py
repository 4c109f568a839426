"""CEL441 retry-exc-not-an-exception."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_causes import RetryCauses, UnraisableCause
from celery_lint.rule import Finding, Rule, on


class RetryExcNotAnException(Rule):
    """What `retry` gets as `exc` is no exception.

    ## Why it matters

    Celery raises `exc` when no retry is left. A string or a number cannot be raised: the task fails with
    `TypeError: exceptions must derive from BaseException`, and the real error is gone. A number does more
    harm: it is stored as the result of the state `RETRY`, whoever reads that gets a `TypeError`, and so does
    the worker that is to store the final result.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self, ready):
        if not ready:
            raise self.retry(exc="not ready", countdown=10)
        return ready
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self, ready):
        if not ready:
            raise self.retry(exc=RuntimeError("not ready"), countdown=10)
        return ready
    ```

    ## Limits

    Sees texts, numbers, lists and dictionaries, written there, kept in a constant or bound to a local name
    before: f-strings, `%` and `.format()`, calls of `str`, `repr` and `traceback.format_exc`, and the
    attribute `status_code`. Silent for anything else, for a value that is false, which counts as none, and
    where `request.retries` decides on which way the function ends, because it may stop before the last
    attempt.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry>
    """

    code = "CEL441"
    name = "retry-exc-not-an-exception"
    severity = "error"
    preset = "recommended"
    message = "`exc` of `retry()` is no exception, so the last attempt fails with TypeError"
    help = "write `except … as exc:` and `retry(exc=exc)`, or make an exception"
    proof = "tests/proofs/test_retries.py::test_a_text_cannot_be_raised"

    @on(RetryCauses.unraisable)
    def check(self, fact: UnraisableCause) -> Iterator[Finding]:
        """Report the argument."""
        yield Finding(fact.place)
