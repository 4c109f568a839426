"""CEL410 retry-without-raise."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.retries.calls import RetryCall, RetryCalls
from celery_lint.rule import Finding, Rule, on


class RetryWithoutRaise(Rule):
    """A call of `retry` ends the task, and the line does not show it.

    ## Why it matters

    `retry` raises by itself: nothing after it runs. A reader, a type checker and a linter see a call that
    returns, and code below it that looks alive. `raise self.retry()` says the same and shows it. Nothing is
    broken without the word.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=5, soft_time_limit=50, time_limit=60)
    def pull(self, ready):
        if not ready:
            self.retry(countdown=30)
        return ready
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=5, soft_time_limit=50, time_limit=60)
    def pull(self, ready):
        if not ready:
            raise self.retry(countdown=30)
        return ready
    ```

    ## Limits

    A call with `throw=False` really goes on, and is left alone, as is `return self.retry()`. Silent too
    where an `except Retry` stands around the call: there the exception is expected.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#retrying>
    """

    code = "CEL410"
    name = "retry-without-raise"
    severity = "advice"
    preset = "house"
    fixable = "safe"
    proof = "convention"
    message = "`retry()` raises: nothing after it runs, and this line does not show that"
    help = "write `raise` before it, so that the reader sees where the task ends"

    @on(RetryCalls.all)
    def check(self, retry: RetryCall) -> Iterator[Finding]:
        """Report a call that is a statement of its own."""
        is_statement = retry.step is not None and retry.step.kind == "expr" and retry.call.is_statement
        if is_statement and retry.throws and not retry.is_expected(self.known.project.functions):
            yield Finding(retry.place, fix=())
