"""CEL424 failure-returned-as-success."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.swallowing import Swallowing, WideHandler
from celery_lint.rule import Finding, Rule, on


class FailureReturnedAsSuccess(Rule):
    """A task catches every exception around most of its work and returns a value that tells of the failure.

    ## Why it matters

    To Celery the task is a SUCCESS: it is not retried, error callbacks are not called, and the next task of
    a chain gets the description of a failure as its argument. Where callers read the value, and nobody else
    cares, that is a fair design; that is why the rule is in no preset but `all`.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def price(text):
        try:
            return {"status": "ok", "price": float(text)}
        except Exception as error:
            return {"status": "error", "error": str(error)}
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def price(text):
        return {"status": "ok", "price": float(text)}
    ```

    ## Limits

    Only handlers of every ordinary exception (`except Exception`) around more than half of the statements of
    the task, outside loops. Whatever else the handler does, it is the returned value that is reported.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#task-states>
    """

    code = "CEL424"
    name = "failure-returned-as-success"
    severity = "advice"
    preset = "all"
    message = "task `{task}` returns its failures as a result, which Celery counts as success"
    help = "raise, so that retries, error callbacks and monitoring see the failure"
    proof = "tests/proofs/test_retries.py::test_a_description_of_a_failure_is_a_success"

    @on(Swallowing.wide)
    def check(self, fact: WideHandler) -> Iterator[Finding]:
        """Report what the handler returns."""
        if fact.ending == "value":
            body = fact.handler.body
            related = (body.place(fact.handler.step), "every exception ends in this handler")
            yield Finding(body.place(fact.step), {"task": body.task.label}, (related, *body.related()))
