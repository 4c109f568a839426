"""CEL443 autoretry-for-time-limit."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.autoretries import Autoretries, UnreachableAutoretry
from celery_lint.rule import Cause, Finding, Rule, on


class AutoretryForTimeLimit(Rule):
    """A time limit's exception in `autoretry_for` can never arrive there.

    ## Why it matters

    The hard limit does not raise in the task: the worker ends the process, or the greenlet, and records
    `TimeLimitExceeded` itself. The soft limit does raise, but only where one is set. The retry that the
    option promises never happens.

    ## Example

    ```python
    from celery import shared_task
    from celery.exceptions import TimeLimitExceeded


    @shared_task(
        autoretry_for=(TimeLimitExceeded,),
        retry_backoff=True,
        soft_time_limit=50,
        time_limit=60,
    )
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from celery.exceptions import SoftTimeLimitExceeded


    @shared_task(
        autoretry_for=(SoftTimeLimitExceeded,),
        retry_backoff=True,
        soft_time_limit=50,
        time_limit=60,
    )
    def pull():
        return 1
    ```

    ## Limits

    For the soft limit the decorator, its wrapper, the base class, `task_annotations`, the application's
    settings, the calls that send the task and the worker's command line are looked at. Silent where the
    application is out of sight, and where the project raises the exception itself. Which pools enforce a
    limit is another rule's question. Told once for a list of exceptions.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL443"
    name = "autoretry-for-time-limit"
    severity = "warning"
    preset = "recommended"
    message = "`{value}` never reaches `autoretry_for`: it is not raised in the task"
    help = "catch `SoftTimeLimitExceeded`, and set a soft limit below the hard one"
    variants = {
        "soft": (
            "`{value}` never reaches `autoretry_for`: no soft limit is set",
            "set `soft_time_limit`",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_a_hard_limit_is_not_raised_in_the_task"

    @on(Autoretries.unreachable)
    def check(self, fact: UnreachableAutoretry) -> Iterator[Finding]:
        """Report the exception in the list: that of the hard limit first, whose remedy mends both."""
        variant, cause = ("", Cause(fact.listed)) if fact.hard else ("soft", Cause(fact.listed, 1))
        yield Finding(fact.place, {"value": fact.exception}, (), variant, cause=cause)
