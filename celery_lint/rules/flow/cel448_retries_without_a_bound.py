"""CEL448 retries-without-a-bound."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_options import EndlessRetries, RetryOptions
from celery_lint.rule import Finding, Rule, on


class RetriesWithoutABound(Rule):
    """A task is retried forever.

    ## Why it matters

    `max_retries=None` takes the bound away. A message that can never be processed comes back until somebody
    purges the queue, and every such message adds to the load. Some tasks are meant to go on until they
    succeed; for them this is the option to set.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(
        autoretry_for=(OSError,),
        retry_backoff=True,
        max_retries=None,
        soft_time_limit=50,
        time_limit=60,
    )
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(
        autoretry_for=(OSError,),
        retry_backoff=True,
        max_retries=10,
        soft_time_limit=50,
        time_limit=60,
    )
    def pull():
        return 1
    ```

    ## Limits

    Only where the task is seen to be retried: by `autoretry_for`, or by calls of `retry`. Silent with
    `expires`, with a bound in `retry_kwargs` or in the call, and where the
    task, or what it calls, decides by `request.retries` whether to go on; to log the number, or to make a
    `countdown` of it, decides nothing. A `countdown` that grows with every retry is CEL418.
    Not to be confused with `retry(max_retries=None)`, which means the task's own bound, and with
    `max_retries=-1`, which means no retry at all.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry>
    """

    code = "CEL448"
    name = "retries-without-a-bound"
    severity = "warning"
    preset = "strict"
    message = "`max_retries=None` retries `{task}` forever"
    help = "set `max_retries` to a number, or `expires`"
    proof = "tests/proofs/test_retries.py::test_a_task_without_a_bound_comes_back_for_ever"

    @on(RetryOptions.unbounded)
    def check(self, fact: EndlessRetries) -> Iterator[Finding]:
        """Report the option."""
        if fact.growing is None:
            yield Finding(fact.option.place, {"task": fact.option.task})
