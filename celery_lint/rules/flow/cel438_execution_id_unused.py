"""CEL438 execution-id-unused."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.tracking import Tracking, UnusedTracking
from celery_lint.rule import Finding, Rule, on


class ExecutionIdUnused(Rule):
    """A task takes the id of its execution and does nothing with it but log it.

    ## Why it matters

    A scheduler hands a task the id of its execution so that the task can say how it ended. A task that does
    not leaves the execution open: to the scheduler it runs forever.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def clean_up(days, execution_id=None):
        print(f"execution {execution_id}")
        return days * 24
    ```

    ## Use instead

    ```python
    from celery import shared_task

    from shop.executions import record


    @shared_task(soft_time_limit=50, time_limit=60)
    def clean_up(days, execution_id=None):
        status = "failed"
        try:
            hours = days * 24
            status = "success"
            return hours
        finally:
            record(execution_id, status)
    ```

    ## Limits

    The parameters are named by the option `tracking-parameters`. Handing the id to anything but a logger
    counts as use. Silent for tasks under further decorators, with hooks such as `on_failure` in their
    class, and where the project connects to signals such as `task_postrun`: there somebody else may keep
    track.
    """

    code = "CEL438"
    name = "execution-id-unused"
    severity = "warning"
    preset = "recommended"
    proof = "convention"
    message = "task `{task}` takes `{parameter}` and never records how the execution ends"
    help = "record success and failure under `{parameter}`, or drop the parameter"

    @on(Tracking.unused)
    def check(self, fact: UnusedTracking) -> Iterator[Finding]:
        """Report at the task."""
        yield Finding(fact.task.place, {"task": fact.task.label, "parameter": fact.parameter})
