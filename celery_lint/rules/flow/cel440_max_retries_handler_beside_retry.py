"""CEL440 max-retries-handler-beside-retry."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_handlers import DeadRetryHandler, RetryHandlers
from celery_lint.rule import Finding, Rule, on


class MaxRetriesHandlerBesideRetry(Rule):
    """An `except MaxRetriesExceededError` stands beside the handler that retries, and never runs.

    ## Why it matters

    A handler catches what its `try` raises, not what another handler of the same `try` raises. When no retry
    is left, `retry()` raises in the handler above, and the error leaves the task: the code that was to give
    up never runs.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data")
        except OSError as exc:
            raise self.retry(exc=exc)
        except self.MaxRetriesExceededError:
            return "given up"
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data")
        except OSError as exc:
            if self.request.retries >= self.max_retries:
                return "given up"
            raise self.retry(exc=exc)
    ```

    ## Limits

    Silent where something in the `try` itself may retry, or is given the task, where the handler only
    logs and raises again, and where nothing that the `try` calls lets an exception out, so that nothing is
    ever retried.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry>
    * <https://docs.python.org/3/reference/compound_stmts.html#the-try-statement>
    """

    code = "CEL440"
    name = "max-retries-handler-beside-retry"
    severity = "warning"
    preset = "recommended"
    message = "this handler never runs: `retry()` is called in another `except` of the same `try`"
    help = "check `self.request.retries >= self.max_retries` before calling `retry()`"
    proof = "tests/proofs/test_retries.py::test_a_handler_does_not_catch_what_its_neighbour_raises"

    @on(RetryHandlers.dead)
    def check(self, fact: DeadRetryHandler) -> Iterator[Finding]:
        """Report the handler, pointing at the retry."""
        if fact.kind == "sibling":
            yield Finding(fact.place, {}, ((fact.retry, "the retry is here"),))
