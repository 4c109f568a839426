"""CEL618 invalid-eta-type."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.message_times import MessageTimes, NoTime
from celery_lint.rule import Finding, Rule, on


class InvalidEtaType(Rule):
    """`countdown`, `eta` or `expires` gets something that Celery cannot calculate with.

    ## Why it matters

    `countdown` is a number of seconds, `eta` a `datetime`, `expires` either of them. Anything else fails
    where the task is sent: `TypeError: '<' not supported between instances of 'datetime.timedelta' and 'int'`
    for a duration or a text, `AttributeError: 'int' object has no attribute 'isoformat'` for seconds as an
    `eta`.

    ## Example

    ```python
    from datetime import timedelta
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(order_id):
        print(order_id)


    def ordered(order_id):
        remind.apply_async((order_id,), countdown=timedelta(minutes=1))
    ```

    ## Use instead

    ```python
    from datetime import timedelta
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(order_id):
        print(order_id)


    def ordered(order_id):
        remind.apply_async((order_id,), countdown=timedelta(minutes=1).total_seconds())
    ```

    ## Limits

    Looks at literals, `timedelta`, `time.time()`, the current time, and sums of these. A text as `eta` or
    `expires` is fine if it is a date.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#eta-and-countdown>
    """

    code = "CEL618"
    name = "invalid-eta-type"
    severity = "error"
    preset = "recommended"
    message = "`{call}` raises an error: its `{option}` is {what}"
    help = "`countdown` takes seconds, `eta` a `datetime`, and `expires` either of them"
    proof = "tests/proofs/test_calls.py::test_what_is_no_time"

    @on(MessageTimes.wrong)
    def check(self, fact: NoTime) -> Iterator[Finding]:
        """Report the value."""
        yield Finding(fact.place, {"call": f"{fact.method}()", "option": fact.option, "what": fact.what})
