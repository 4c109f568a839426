"""CEL445 exception-as-retry-arguments."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.retries.calls import RetryCall, RetryCalls
from celery_lint.rule import Finding, Rule, on


class ExceptionAsRetryArguments(Rule):
    """The first argument of `retry` is an exception, but it stands for the task's arguments.

    ## Why it matters

    The signature is `retry(args, kwargs, exc, ...)`. An exception in the first place is taken for the
    arguments of the next run. Celery fails to build that message: the task ends with `TypeError: 'OSError'
    object is not iterable` at its first error, and is never retried.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data")
        except OSError as exc:
            raise self.retry(exc)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data")
        except OSError as exc:
            raise self.retry(exc=exc)
    ```

    ## Limits

    Sees the name that an `except` around the call binds.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry>
    """

    code = "CEL445"
    name = "exception-as-retry-arguments"
    severity = "error"
    preset = "recommended"
    message = "`retry()` takes this exception for the arguments of the task: TypeError"
    help = "write `exc=` before it"
    proof = "tests/proofs/test_retries.py::test_an_error_is_no_tuple_of_arguments"

    @on(RetryCalls.all)
    def check(self, retry: RetryCall) -> Iterator[Finding]:
        """Report the argument."""
        given = retry.value.first()
        if given is not None and retry.is_caught(self.known.project.functions, given):
            yield Finding(retry.module.place(given.span))
