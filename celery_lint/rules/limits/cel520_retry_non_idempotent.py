"""CEL520 retry-non-idempotent."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.side_effects import RepeatedEffect, SideEffects
from celery_lint.rule import Finding, Rule, on


class RetryNonIdempotent(Rule):
    """A retry of the task repeats something that somebody outside notices each time.

    ## Why it matters

    A retry runs the whole task again. What was done before the line that failed is done again: one mail for
    each attempt.

    ## Example

    ```python
    import requests
    from celery import shared_task
    from django.core.mail import send_mail


    @shared_task(autoretry_for=(OSError,), retry_backoff=True, soft_time_limit=50, time_limit=60)
    def confirm(address):
        send_mail("Thank you", "It is on its way.", None, [address])
        requests.get("https://stock.example/reserve", timeout=5)
    ```

    ## Use instead

    ```python
    import requests
    from celery import shared_task
    from django.core.mail import send_mail


    @shared_task(autoretry_for=(OSError,), retry_backoff=True, soft_time_limit=50, time_limit=60)
    def confirm(address):
        requests.get("https://stock.example/reserve", timeout=5)
        send_mail("Thank you", "It is on its way.", None, [address])
    ```

    ## Limits

    Only for tasks with `autoretry_for`, in the task's own function, and for the calls that CEL519 knows,
    where a later call may fail. Two tasks in a chain are the other way out. Where the task also acknowledges
    late, only this is told.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#retrying>
    """

    code = "CEL520"
    name = "retry-non-idempotent"
    severity = "advice"
    preset = "all"
    message = "a retry of task `{task}` repeats `{call}`: what follows may fail"
    help = "do it last, or in a separate task"
    proof = "convention"

    @on(SideEffects.effects)
    def check(self, fact: RepeatedEffect) -> Iterator[Finding]:
        """Report the effect."""
        if fact.retried:
            yield Finding(fact.place, {"task": fact.task.label, "call": fact.call})
