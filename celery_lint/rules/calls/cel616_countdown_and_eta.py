"""CEL616 countdown-and-eta."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.message_times import MessageTimes, TwoTimes
from celery_lint.rule import Finding, Rule, on


class CountdownAndEta(Rule):
    """A message gets both a `countdown` and an `eta`: only the first counts.

    ## Why it matters

    `countdown` counts from now, `eta` is a moment. Given both, Celery takes the `countdown` and says nothing:
    the task runs at another time than the `eta` says.

    ## Example

    ```python
    from datetime import datetime, timedelta, timezone
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(order_id):
        print(order_id)


    def ordered(order_id):
        remind.apply_async((order_id,), countdown=60, eta=datetime.now(timezone.utc) + timedelta(minutes=9))
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(order_id):
        print(order_id)


    def ordered(order_id):
        remind.apply_async((order_id,), countdown=60)
    ```

    ## Limits

    Speaks where both are certainly given. Functions that hand on what they got may have got one of them.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#eta-and-countdown>
    """

    code = "CEL616"
    name = "countdown-and-eta"
    severity = "error"
    preset = "recommended"
    message = "`{call}` has a `countdown`, so Celery ignores its `eta`"
    help = "keep one of them"
    proof = "tests/proofs/test_calls.py::test_a_countdown_wins"

    @on(MessageTimes.two)
    def check(self, fact: TwoTimes) -> Iterator[Finding]:
        """Report the countdown, pointing at what it hides."""
        yield Finding(fact.place, {"call": f"{fact.method}()"}, ((fact.eta, "this `eta` is ignored"),))
