"""CEL419 max-retries-none-arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_handlers import NoneCalculated, RetryHandlers
from celery_lint.rule import Finding, Rule, on


class MaxRetriesNoneArithmetic(Rule):
    """A task compares or calculates with its `max_retries`, which is `None`.

    ## Why it matters

    `self.request.retries < self.max_retries` raises `TypeError` when the bound is `None`: the task fails, at
    the place that was to look after failures.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=None, soft_time_limit=50, time_limit=60)
    def pull(self):
        return self.request.retries < self.max_retries
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self):
        return self.request.retries < self.max_retries
    ```

    ## Limits

    Silent where the task asks anywhere whether its bound is there: by `is None`, by its truth, by `==`.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry>
    """

    code = "CEL419"
    name = "max-retries-none-arithmetic"
    severity = "error"
    preset = "recommended"
    message = "`{value}` is `None` here, so this raises TypeError"
    help = "set `max_retries` to a number, or check `is not None` first"
    proof = "tests/proofs/test_retries.py::test_no_bound_is_no_number"

    @on(RetryHandlers.calculations)
    def check(self, fact: NoneCalculated) -> Iterator[Finding]:
        """Report the statement, pointing at the option."""
        yield Finding(fact.place, {"value": fact.path}, ((fact.option, "it is set to `None` here"),))
