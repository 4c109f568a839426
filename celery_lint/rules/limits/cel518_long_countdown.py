"""CEL518 long-countdown."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.delays import Delay, Delays
from celery_lint.rule import Finding, Rule, on


class LongCountdown(Rule):
    """A task is delayed for longer than brokers let a worker hold a message.

    ## Why it matters

    A worker takes a delayed message at once and keeps it, unacknowledged, until its time comes. No broker
    waits forever: Redis delivers it again after an hour and SQS after half an hour, unless told otherwise,
    and RabbitMQ closes the channel of a worker that has acknowledged nothing for half an hour. The task then
    runs several times, or the worker loses its connection.

    ## Example

    ```python
    import os

    from celery import Celery

    app = Celery("proj", broker=os.environ["BROKER"])


    @app.task(soft_time_limit=50, time_limit=60)
    def remind(user):
        return user


    def signed_up(user):
        remind.apply_async((user,), countdown=24 * 3600)
    ```

    ## Use instead

    ```python
    import os

    from celery import Celery

    app = Celery("proj", broker=os.environ["BROKER"])


    @app.task(soft_time_limit=50, time_limit=60)
    def send_reminders():
        print("to everybody whose time has come")


    app.conf.beat_schedule = {"reminders": {"task": send_reminders.name, "schedule": 300.0}}
    ```

    ## Limits

    Where the broker is unknown, delays of more than an hour (or than the `visibility_timeout`, if that is
    set); with RabbitMQ, delays of more than half an hour, unless `task_default_queue_type` is set: RabbitMQ
    itself holds the delayed messages of quorum queues. With Redis and SQS this is CEL517, with other brokers
    it is silent. Silent where settings cannot be read.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#eta-and-countdown>
    * <https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout>
    """

    code = "CEL518"
    name = "long-countdown"
    severity = "advice"
    preset = "recommended"
    message = "`{option}` of {delay} s: brokers redeliver or disconnect after {limit} s"
    help = "store what is due, and let a periodic task send it"
    variants = {
        "retry": (
            "`{option}` of {delay} s: brokers redeliver or disconnect after {limit} s",
            "retry within {limit} s, or store what is left and let a periodic task send it",
        ),
    }
    proof = "convention"

    @on(Delays.all)
    def check(self, fact: Delay) -> Iterator[Finding]:
        """Report a delay where the broker's own limit is not known for certain."""
        if not fact.certain:
            values = {"option": fact.word, "delay": f"{fact.seconds:g}", "limit": f"{fact.limit:g}"}
            yield Finding(fact.place, values, (), "retry" if fact.retry else "", runs=fact.tasks)
