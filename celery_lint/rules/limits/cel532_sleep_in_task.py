"""CEL532 sleep-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.side_effects import LongSleep, SideEffects
from celery_lint.rule import Finding, Rule, on


class SleepInTask(Rule):
    """A task sleeps for more than half a minute.

    ## Why it matters

    While it sleeps the task holds a slot of the worker, in which another one could run, and its sleep counts
    for its time limits. A retry or a task that is sent later waits without a slot.

    ## Example

    ```python
    import time

    from celery import shared_task


    @shared_task(soft_time_limit=500, time_limit=600)
    def poll(order):
        time.sleep(300)
        return order
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def poll(order):
        return order


    def ordered(order):
        poll.apply_async((order,), countdown=300)
    ```

    ## Limits

    Only `time.sleep` with a constant number of more than 30 seconds, in a task or in a function that tasks
    call.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#eta-and-countdown>
    """

    code = "CEL532"
    name = "sleep-in-task"
    severity = "advice"
    preset = "all"
    message = "the task sleeps {delay} s and blocks a slot of the worker"
    help = "send the task with `countdown`, or use `self.retry(countdown=...)`"
    proof = "convention"

    @on(SideEffects.sleeps)
    def check(self, fact: LongSleep) -> Iterator[Finding]:
        """Report the sleep, pointing at the tasks."""
        yield Finding(fact.place, {"delay": f"{fact.seconds:g}"}, tuple(fact.related()))
