"""CEL645 chord-header-ignores-result."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.ignored_headers import IgnoredHeader, IgnoredHeaders
from celery_lint.rule import Finding, Rule, on


class ChordHeaderIgnoresResult(Rule):
    """A chord waits for the result of a task that keeps none, and its body never runs.

    ## Why it matters

    With a database or files as result backend, `celery.chord_unlock` looks again and again whether each task
    of the header has a result. A task with `ignore_result=True` leaves none: the chord waits forever, and
    nothing says so. Redis counts the tasks that have ended, so there the body runs.

    ## Example

    ```python
    from celery import Celery, chord

    app = Celery("shop", broker="redis://localhost", backend="db+postgresql://localhost/shop")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task(ignore_result=True)
    def bill(order):
        print(order)


    @app.task
    def close(bills):
        print("closed")


    def bill_all(orders):
        chord([bill.s(order) for order in orders], close.s()).delay()
    ```

    ## Use instead

    ```python
    from celery import Celery, chord

    app = Celery("shop", broker="redis://localhost", backend="db+postgresql://localhost/shop")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def bill(order):
        print(order)


    @app.task
    def close(bills):
        print("closed")


    def bill_all(orders):
        chord([bill.s(order) for order in orders], close.s()).delay()
    ```

    ## Limits

    Speaks where the address of the backend is written down, and the option stands at the task.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#important-notes>
    """

    code = "CEL645"
    name = "chord-header-ignores-result"
    severity = "error"
    preset = "recommended"
    message = "`{task}` keeps no result: the chord waits for it forever, and `{body}` never runs"
    help = "remove `ignore_result=True` from `{task}`"
    proof = "tests/proofs/test_outcomes.py::test_a_chord_waits_for_results_that_nobody_keeps"

    @on(IgnoredHeaders.all)
    def check(self, fact: IgnoredHeader) -> Iterator[Finding]:
        """Report the signature, pointing at the option."""
        task, body = fact.sending.task, fact.body.task
        values = {"task": task.label if task else "", "body": body.label if body else ""}
        related = ((fact.option, "its result is not kept"),)
        yield Finding(fact.sending.place, values, related, runs=(task,) if task else ())
