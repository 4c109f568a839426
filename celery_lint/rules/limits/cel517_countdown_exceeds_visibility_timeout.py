"""CEL517 countdown-exceeds-visibility-timeout."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.delays import Delay, Delays
from celery_lint.rule import Finding, Rule, on


class CountdownExceedsVisibilityTimeout(Rule):
    """A task is delayed for longer than the broker waits before it delivers the message again.

    ## Why it matters

    A worker takes a delayed message at once and keeps it, unacknowledged, until its time comes. On Redis and
    SQS a message that is unacknowledged for longer than the visibility timeout is delivered again, to the
    same worker or to another, and each copy runs: with a visibility timeout of 6 s a task with `countdown=25`
    ran five times.

    ## Example

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task(soft_time_limit=50, time_limit=60)
    def remind(user):
        return user


    def signed_up(user):
        remind.apply_async((user,), countdown=24 * 3600)
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")
    app.conf.broker_transport_options = {"visibility_timeout": 30 * 3600}


    @app.task(soft_time_limit=50, time_limit=60)
    def remind(user):
        return user


    def signed_up(user):
        remind.apply_async((user,), countdown=24 * 3600)
    ```

    ## Limits

    The broker must be known: from the scheme of a constant URL, or from the option `broker`; where it is
    not, this is CEL518. Looks at constant values of `countdown`, at `eta=now() + timedelta(...)`, also by
    way of a variable, and at the delays of retries (`retry(countdown=...)`, `retry(eta=...)`,
    `default_retry_delay`). A long visibility timeout has a price: messages of a worker that was killed wait
    for as long. For delays of days, store what is due and let a periodic task send it.

    ## References

    * <https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html#visibility-timeout>
    """

    code = "CEL517"
    name = "countdown-exceeds-visibility-timeout"
    severity = "error"
    preset = "recommended"
    message = "`{option}` of {delay} s: {broker} redelivers after {visibility} s, so the task runs twice"
    help = "raise `visibility_timeout` above it, or store what is due for a periodic task"

    @on(Delays.all)
    def check(self, fact: Delay) -> Iterator[Finding]:
        """Report the delay, pointing at the timeout if it is set."""
        if fact.certain:
            values = {
                "option": fact.word,
                "delay": f"{fact.seconds:g}",
                "broker": fact.broker.title,
                "visibility": f"{fact.limit:g}",
            }
            set_here = fact.broker.place
            related = ((set_here, "the visibility timeout is set here"),) if set_here is not None else ()
            yield Finding(fact.place, values, related, runs=fact.tasks)
