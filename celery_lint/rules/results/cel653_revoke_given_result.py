"""CEL653 revoke-given-result."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.results.revoked_results import RevokedResult, RevokedResults
from celery_lint.rule import Finding, Rule, on


class RevokeGivenResult(Rule):
    """A task is revoked by its result in place of its id.

    ## Why it matters

    `control.revoke()` sends ids to all workers, as JSON. A result is none: the call raises
    `EncodeError: Object of type AsyncResult is not JSON serializable`, and the task runs.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", backend="redis://localhost")


    @app.task(soft_time_limit=50, time_limit=60)
    def remind(order):
        print(order)


    def order_and_cancel(order):
        result = remind.apply_async((order,), countdown=60)
        app.control.revoke(result)
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", backend="redis://localhost")


    @app.task(soft_time_limit=50, time_limit=60)
    def remind(order):
        print(order)


    def order_and_cancel(order):
        result = remind.apply_async((order,), countdown=60)
        app.control.revoke(result.id)
    ```

    ## Limits

    Looks at `control.revoke()` and `control.terminate()` of an application that is known to be one, and at
    results that are made in the same function.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#revoke-revoking-tasks>
    """

    code = "CEL653"
    name = "revoke-given-result"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`{method}()` takes the id of a task: a result raises `EncodeError`"
    help = "pass `.id` of the result, or write `result.revoke()`"
    proof = "tests/proofs/test_canvas.py::test_a_result_is_no_id"
    of_senders = True

    @on(RevokedResults.all)
    def check(self, fact: RevokedResult) -> Iterator[Finding]:
        """Report the call."""
        yield Finding(fact.place, {"method": fact.method}, fix=("task_id", "id"))
