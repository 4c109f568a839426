"""CEL418 unbounded-retries."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_options import EndlessRetries, RetryOptions
from celery_lint.rule import Finding, Rule, on


class UnboundedRetries(Rule):
    """A task is retried forever, and each retry waits longer than the last one.

    ## Why it matters

    `max_retries=None` takes the bound away, and a `countdown` that doubles has none either: after ten retries
    at `60 * 2**retries` the next one is due in 17 hours, after twenty in two years. Nothing fails, and nobody
    is told; the message stays in a worker all that time, and Redis, which waits an hour for the
    acknowledgement unless set, delivers it to a second one as well. Whoever lets the delay grow does not mean
    to go on forever.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=None, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data").read()
        except OSError as error:
            raise self.retry(exc=error, countdown=60 * 2**self.request.retries)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=5, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data").read()
        except OSError as error:
            raise self.retry(exc=error, countdown=60 * 2**self.request.retries)
    ```

    ## Limits

    Only for a `countdown` that is a product or a power of `request.retries`, written there or bound to a
    local name; `min(..., 3600)` bounds it. Where the delay does not grow, somebody may mean it: that is
    CEL448. Silent with `expires`, with a bound in `retry_kwargs` or in the call, and where the task, or what
    it calls, decides by `request.retries` whether to go on; to log the number, or to make a `countdown` of
    it, decides nothing. Not to be confused with `retry(max_retries=None)`, which means the task's own bound,
    and with `max_retries=-1`, which means no retry at all.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry>
    """

    code = "CEL418"
    name = "unbounded-retries"
    severity = "warning"
    preset = "recommended"
    message = "`max_retries=None` retries `{task}` forever, each time after a longer delay"
    help = "set `max_retries`, or bound the delay: `countdown=min(..., 3600)`"
    proof = "tests/proofs/test_retries.py::test_a_task_without_a_bound_comes_back_for_ever"

    @on(RetryOptions.unbounded)
    def check(self, fact: EndlessRetries) -> Iterator[Finding]:
        """Report the option, pointing at a delay that grows."""
        if fact.growing is not None:
            related = ((fact.growing, "this grows with every retry"),)
            yield Finding(fact.option.place, {"task": fact.option.task}, related)
