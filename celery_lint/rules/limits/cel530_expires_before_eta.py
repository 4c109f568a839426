"""CEL530 expires-before-eta."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.delays import Delays, Expiry
from celery_lint.rule import Finding, Rule, on


class ExpiresBeforeEta(Rule):
    """A message expires before the task may run.

    ## Why it matters

    The time of expiry counts from the sending, as the delay does. When the delay is over the message has
    expired: the worker drops it, and the task ends as `REVOKED` without having run. That happens with equal
    numbers as well.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(user):
        return user


    def ordered(user):
        remind.apply_async((user,), countdown=600, expires=300)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(user):
        return user


    def ordered(user):
        remind.apply_async((user,), countdown=600, expires=900)
    ```

    ## Limits

    Compares constant numbers, `timedelta` and `now() + timedelta(...)` in calls of `apply_async`, also with
    the option `expires` of the task.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#expiration>
    """

    code = "CEL530"
    name = "expires-before-eta"
    severity = "error"
    preset = "recommended"
    message = "the message expires after {expires} s and may not run for {delay} s: it never runs"
    help = "make `expires` longer than the delay"
    variants = {
        "at once": (
            "the message expires as it is sent (`expires={expires}`): the task never runs",
            "give `expires` in seconds from now",
        ),
    }
    proof = "tests/proofs/test_deliveries.py::test_a_message_expires_before_its_time"

    @on(Delays.expiries)
    def check(self, fact: Expiry) -> Iterator[Finding]:
        """Report the time of expiry, pointing at the delay."""
        if fact.countdown is None:
            yield Finding(fact.place, {"expires": f"{fact.expires:g}"}, (), "at once")
        else:
            values = {"expires": f"{fact.expires:g}", "delay": f"{fact.countdown:g}"}
            yield Finding(fact.place, values, ((fact.delay_place, "it may not run before"),))
