"""CEL511 soft-limit-not-below-hard."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.limits import LimitPair, Limits
from celery_lint.rule import Finding, Rule, on


class SoftLimitNotBelowHard(Rule):
    """A soft time limit is not below the hard one, so the task never gets its chance to clean up.

    ## Why it matters

    The soft limit raises `SoftTimeLimitExceeded` inside the task; the hard limit sends the process SIGTERM
    and a tenth of a second later SIGKILL, in the middle of a `finally` too. Prefork waits for the soft one
    first, however late that is: such a task runs until its soft limit, and is killed at once, before it has
    cleaned up. From Celery 5.5 on, one whose soft limit is above its hard one is not even sent, by `delay()`,
    `apply_async()` or beat: `ValueError: soft_time_limit must be less than or equal to time_limit`.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=25 * 60, time_limit=2 * 60)
    def rebuild():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=25 * 60, time_limit=27 * 60)
    def rebuild():
        return 1
    ```

    ## Limits

    Compares numbers that can be worked out: literals, constants, sums and products of them, `timedelta`, the
    default of a settings object's field; and knows that the same expression for both gives the same number. A
    task's own soft limit is also held against the hard limit of its application or of its worker's command.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL511"
    name = "soft-limit-not-below-hard"
    severity = "error"
    preset = "recommended"
    message = "soft time limit of {owner} ({soft}) is not below its hard limit ({hard})"
    help = "make the soft limit smaller, so that the task can clean up before it is killed"
    proof = "tests/proofs/test_limits.py::test_a_soft_limit_above_the_hard_one_is_refused"

    @on(Limits.pairs)
    def check(self, pair: LimitPair) -> Iterator[Finding]:
        """Report at the soft limit, pointing at the hard one."""
        if isinstance(pair.soft, str) or isinstance(pair.hard, str):
            soft = hard = f"`{pair.soft}`"
        elif pair.soft >= pair.hard > 0:
            soft, hard = f"{pair.soft:g} s", f"{pair.hard:g} s"
        else:
            return
        values = {"owner": pair.owner, "soft": soft, "hard": hard}
        yield Finding(pair.place, values, ((pair.hard_place, "the hard limit is set here"),))
