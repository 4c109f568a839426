"""CEL631 busy-poll-result."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.results.polled import PolledResult, PolledResults
from celery_lint.rule import Finding, Rule, on


class BusyPollResult(Rule):
    """A task asks another one in a loop whether it is done.

    ## Why it matters

    The loop goes around Celery's `Never call result.get() within a task!`, and not around the reason for it:
    the process does nothing else until the other task is done, and that one needs a process as well. When all
    processes of a worker poll, nobody runs what they wait for, and nothing ends any more. Nor does the loop
    when the other task is lost or revoked, or its result has expired.

    ## Example

    ```python
    import time

    from celery import Celery, group

    app = Celery("shop", broker="redis://localhost", backend="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def bill(order):
        print(order)


    @app.task
    def report():
        print("all are billed")


    @app.task
    def bill_all(orders):
        result = group(bill.s(order) for order in orders).apply_async()
        while not result.ready():
            time.sleep(5)
        report.delay()
    ```

    ## Use instead

    ```python
    from celery import Celery, chord

    app = Celery("shop", broker="redis://localhost", backend="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def bill(order):
        print(order)


    @app.task
    def report(results):
        print("all are billed")


    @app.task
    def bill_all(orders):
        chord([bill.s(order) for order in orders])(report.s())
    ```

    ## Limits

    Looks at loops in tasks, and in what they call, that ask for nothing but `not result.ready()` and do
    nothing but sleep and tell. Silent where something in the loop can end it, in `async def`, and in the
    pools gevent and eventlet, where others run meanwhile.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#avoid-launching-synchronous-subtasks>
    """

    code = "CEL631"
    name = "busy-poll-result"
    severity = "warning"
    preset = "recommended"
    message = "a task polls another: it holds its process, and may wait forever"
    help = "let what comes next be a task of its own: a chain, or the body of a chord"
    proof = "tests/proofs/test_outcomes.py::test_a_process_that_polls_does_nothing_else"
    of_senders = True

    @on(PolledResults.all)
    def check(self, fact: PolledResult) -> Iterator[Finding]:
        """Report the loop, pointing at the task."""
        yield Finding(fact.place, {}, fact.site.related())
