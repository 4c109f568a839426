"""CEL444 max-retries-without-retry."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_options import RetryOptions, UnusedRetryLimit
from celery_lint.rule import Finding, Rule, on


class MaxRetriesWithoutRetry(Rule):
    """A bound or a delay is set for retries that never happen.

    ## Why it matters

    `max_retries` and `default_retry_delay` only describe a retry; they do not ask for one. Without
    `autoretry_for` and without a call of `retry` the first error is the last, and the option looks as if
    there were more attempts.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(max_retries=5, soft_time_limit=50, time_limit=60)
    def pull():
        return open("/data")
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(
        autoretry_for=(OSError,),
        retry_backoff=True,
        max_retries=5,
        soft_time_limit=50,
        time_limit=60,
    )
    def pull():
        return open("/data")
    ```

    ## Limits

    Silent where the task is given to code that cannot be seen, where its base class, its decorators or what
    it calls may retry it, where the project reads the option back, where nothing sends the task in a project
    that shows all that it sends, and for `max_retries=0` and `None`. The
    application must be Celery's own or the project's, or have other tasks that call `retry` themselves.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#retrying>
    """

    code = "CEL444"
    name = "max-retries-without-retry"
    severity = "warning"
    preset = "strict"
    message = "`{keyword}` has no effect: nothing retries `{task}`"
    help = "add `autoretry_for` or call `self.retry()`, or remove the option"
    proof = "tests/proofs/test_retries.py::test_a_bound_does_not_ask_for_retries"

    @on(RetryOptions.unused)
    def check(self, fact: UnusedRetryLimit) -> Iterator[Finding]:
        """Report the option."""
        yield Finding(fact.option.place, {"keyword": fact.option.name, "task": fact.option.task})
