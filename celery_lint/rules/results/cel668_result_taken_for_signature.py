"""CEL668 result-taken-for-signature."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.results.taken_for_signatures import (
    CalledAndSent,
    TakenForSignature,
    TakenForSignatures,
)
from celery_lint.rule import Cause, Finding, Rule, on


class ResultTakenForSignature(Rule):
    """The result of a task that is sent is taken for its signature.

    ## Why it matters

    `delay` and `apply_async` send the task at once, and give its result. That has no `set`, `link` or
    `apply_async`: `AttributeError: 'AsyncResult' object has no attribute 'set'`, after the task has been sent
    without what was to be set.

    So does `fetch(url).delay()`: the call runs the task in this process, and gives what its function returns.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def fetch(url):
        return len(url)


    def refresh(url):
        task = fetch.delay(url)
        task.set(queue="slow")
        task.apply_async()
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def fetch(url):
        return len(url)


    def refresh(url):
        task = fetch.s(url)
        task.set(queue="slow")
        task.apply_async()
    ```

    ## Limits

    Speaks of tasks whose class and application can be seen, and have no `delay` or `apply_async` of their
    own: what those give may be something else. Of tasks that are called, it speaks if all that their
    functions return is plain: `None`, numbers, texts, lists and dictionaries. A task may return a canvas.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#signatures>
    """

    code = "CEL668"
    name = "result-taken-for-signature"
    severity = "error"
    preset = "recommended"
    message = "`{sent}()` has sent the task: its result has no `{method}()` (`AttributeError`)"
    help = "make a signature, and send that: `.s(…)`"
    variants = {
        "called": (
            "nothing is sent: `{task}()` runs the task, its value has no `{method}()`",
            "call the method of the task itself: `{task}.{method}(…)`",
        ),
    }
    proof = "tests/proofs/test_calls.py::test_a_result_is_no_signature"

    @on(TakenForSignatures.all)
    def check(self, fact: TakenForSignature) -> Iterator[Finding]:
        """Report the call, pointing at what has sent the task if that stands elsewhere."""
        related = (
            ((fact.made, "the task is sent here"),) if fact.made.span.start != fact.place.span.start else ()
        )
        values = {"sent": fact.sent, "method": fact.method}
        yield Finding(fact.place, values, related, cause=Cause(fact.made))

    @on(TakenForSignatures.called)
    def check_called(self, fact: CalledAndSent) -> Iterator[Finding]:
        """Report the call of what a task returns."""
        yield Finding(fact.place, {"task": fact.task, "method": fact.method}, variant="called")
