"""CEL439 execution-status-one-sided."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.tracking import OneSidedTracking, Tracking
from celery_lint.rule import Finding, Rule, on


class ExecutionStatusOneSided(Rule):
    """A task records the success of its execution and never a failure.

    ## Why it matters

    When the work raises, the line that records the success is not reached, and nothing else says how the
    execution ended: to the scheduler it runs forever.

    ## Example

    ```python
    from celery import shared_task

    from shop.executions import record


    @shared_task(soft_time_limit=50, time_limit=60)
    def clean_up(days, execution_id=None):
        hours = days * 24
        if execution_id:
            record(execution_id, "success")
        return hours
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

    Only for a call that takes the id (the parameters are named by the option `tracking-parameters`)
    together with a word such as `"success"` or a constant such as `Status.COMPLETED`. Silent where the id
    is used in any `except`, `finally` or `with`, or handed to anything that cannot be looked into, under
    further decorators, and with hooks or signal handlers that may record the failure.
    """

    code = "CEL439"
    name = "execution-status-one-sided"
    severity = "warning"
    preset = "recommended"
    proof = "convention"
    message = "task `{task}` records its success under `{parameter}` and never a failure"
    help = "record the failure too, in an `except` that raises again or in a `finally`"

    @on(Tracking.one_sided)
    def check(self, fact: OneSidedTracking) -> Iterator[Finding]:
        """Report at the call that records the success."""
        values = {"task": fact.task.label, "parameter": fact.parameter}
        yield Finding(fact.place, values, ((fact.task.place, f"task `{fact.task.label}`"),))
