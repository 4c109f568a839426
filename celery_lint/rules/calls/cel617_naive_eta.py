"""CEL617 naive-eta."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.naive_times import NaiveTime, NaiveTimes
from celery_lint.rule import Cause, Finding, Rule, on


class NaiveEta(Rule):
    """The time at which a message is due or expires is local time without a zone, which Celery takes for UTC.

    ## Why it matters

    Whatever `timezone` and `enable_utc` say, a time without a zone is read as UTC. `datetime.now()` is off
    by the offset of the machine that sends: from Shanghai the task runs eight hours late, from New York at
    once. In a container whose zone is UTC it works, until somebody sets `TZ`.

    ## Example

    ```python
    from datetime import datetime, timedelta

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(user):
        print(user)


    def ordered(user):
        remind.apply_async((user,), eta=datetime.now() + timedelta(minutes=30))
    ```

    ## Use instead

    ```python
    from datetime import datetime, timedelta, timezone

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(user):
        print(user)


    def ordered(user):
        remind.apply_async((user,), eta=datetime.now(timezone.utc) + timedelta(minutes=30))
    ```

    ## Limits

    Knows `now`, `today`, `fromtimestamp` and `datetime(...)` of the standard library, given to the call or
    through one variable. Silent for `utcnow()`, which is read as what it is, for `timezone.now()` of Django,
    and where every `TIME_ZONE` of the project is UTC.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#eta-and-countdown>
    """

    code = "CEL617"
    name = "naive-eta"
    severity = "warning"
    preset = "recommended"
    message = "`{made}` has no time zone: Celery takes it for UTC, so the task may run hours off"
    help = "write `datetime.now(timezone.utc)`, or give `countdown=` in seconds"
    variants = {
        "zone": (
            "`{made}` is the time in `{zone}`, and Celery takes it for UTC",
            "write `datetime.now(timezone.utc)`, or `timezone.now()` of Django, or give `countdown=`",
        ),
    }
    proof = "tests/proofs/test_calls.py::test_a_time_without_a_zone_is_utc"
    fixable = "unsafe"

    @on(NaiveTimes.all)
    def check(self, fact: NaiveTime) -> Iterator[Finding]:
        """Report the option, pointing at what makes the time, and at the zone."""
        related = [] if fact.made_at == fact.place else [(fact.made_at, "it is made here")]
        if fact.zone_at is not None:
            related.append((fact.zone_at, f"the time zone is `{fact.zone}`"))
        values = {"made": fact.made, "zone": fact.zone}
        variant = "zone" if fact.zone else ""
        fix = () if fact.made_at == fact.place else None
        runs = (fact.task,) if fact.task is not None else ()
        yield Finding(fact.place, values, tuple(related), variant, fix, Cause(fact.made_at), runs)
