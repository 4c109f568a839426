"""CEL632 result-of-ignoring-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.results.ignored import IgnoredRead, IgnoredResults
from celery_lint.rule import Finding, Rule, on


class ResultOfIgnoringTask(Rule):
    """The result of a task is asked for whose option `ignore_result` says that nobody keeps it.

    ## Why it matters

    Nothing of such a task is stored, not even that it has run. `get()` of what `delay()` gives returns `None`
    at once, before the task has begun. `ready()`, `successful()` and `failed()` say `False` forever, because
    its state stays `PENDING`: a loop that waits for it never ends. `get()` of an `AsyncResult` that is made
    of the id waits until somebody kills it.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(ignore_result=True, soft_time_limit=50, time_limit=60)
    def total(orders):
        return sum(orders)


    def show(orders):
        print(total.delay(orders).get(timeout=10))
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def total(orders):
        return sum(orders)


    def show(orders):
        print(total.delay(orders).get(timeout=10))
    ```

    ## Limits

    Knows the option where the task or its class says it, and results that are made in the same function.
    Silent where the call gives `ignore_result` itself: since Celery 5.7 that one counts.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#Task.ignore_result>
    """

    code = "CEL632"
    name = "result-of-ignoring-task"
    severity = "error"
    preset = "recommended"
    message = "`{task}` ignores its result: `{method}()` returns `None` at once"
    help = "take `ignore_result=True` from the task, or do not ask"
    variants = {
        "never": (
            "`{task}` ignores its result: `{method}()` waits forever",
            "take `ignore_result=True` from the task, or do not ask",
        ),
        "false": (
            "`{task}` ignores its result: `{method}()` is always false",
            "take `ignore_result=True` from the task, or do not ask",
        ),
    }
    proof = "tests/proofs/test_outcomes.py::test_what_is_ignored_has_no_result"
    of_senders = True

    @on(IgnoredResults.reads)
    def check(self, fact: IgnoredRead) -> Iterator[Finding]:
        """Report the call, pointing at the option."""
        values = {"task": fact.task.label, "method": fact.method}
        variant = "" if fact.outcome == "none" else fact.outcome
        related = ((fact.option, "this is the option"),)
        yield Finding(fact.place, values, related, variant, runs=(fact.task,))
