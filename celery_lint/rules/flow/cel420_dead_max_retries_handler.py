"""CEL420 dead-max-retries-handler."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_handlers import DeadRetryHandler, RetryHandlers
from celery_lint.rule import Finding, Rule, on


class DeadMaxRetriesHandler(Rule):
    """An `except MaxRetriesExceededError` never runs, because the retry raises something else.

    ## Why it matters

    When no retry is left, `retry(exc=exc)` raises `exc` itself. `MaxRetriesExceededError` is raised only by
    a call without `exc`. With `autoretry_for` the retry happens around the task, so nothing in the task can
    catch its end. Either way the code that was to give up, mark the record as failed, tell somebody, never
    runs.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data")
        except OSError as exc:
            try:
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

    Only where every retry in the `try` gives the error that was caught, by the function itself or by all
    tasks that hand it over, and nothing else there may retry. Silent for a handler that catches other
    exceptions as well, and for one that only logs, whether or not it raises again, since Celery itself logs
    the error that ends the task; but not where it logs to let a loop go on: the loop ends. Silent too where
    it does nothing and a handler for all exceptions further down, which gets the error, does nothing either,
    where nothing is ever retried, because what the `try` around it calls keeps every exception for itself,
    and where the number of retries is asked for before, or that of attempts which the project counts itself
    (`if attempt >= 3`); around an automatic retry where a handler for what is waited for does so and leaves.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry>
    """

    code = "CEL420"
    name = "dead-max-retries-handler"
    severity = "warning"
    preset = "recommended"
    message = "this handler never runs: when no retry is left, `retry(exc=...)` raises its `exc`"
    help = "check `{task}.request.retries >= {task}.max_retries` before calling `retry()`"
    variants = {
        "automatic": (
            "this handler never runs: `autoretry_for` retries around the task",
            "use `on_failure`, or `link_error` where the task is sent",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_retries_with_a_cause_end_with_it"

    @on(RetryHandlers.dead)
    def check(self, fact: DeadRetryHandler) -> Iterator[Finding]:
        """Report the handler, pointing at the retry."""
        if fact.kind != "sibling":
            variant = "automatic" if fact.kind == "automatic" else ""
            yield Finding(fact.place, {"task": fact.task}, ((fact.retry, "the retry is here"),), variant)
