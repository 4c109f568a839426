"""CEL516 visibility-timeout-too-short."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.delays import Delays, LongRun, ResultsOnly
from celery_lint.rule import Cause, Finding, Rule, on


class VisibilityTimeoutTooShort(Rule):
    """A task that acknowledges late may run longer than the broker waits before it delivers it again.

    ## Why it matters

    Redis and SQS know no connection that a message belongs to: what is not acknowledged within the visibility
    timeout (Redis: one hour, SQS: half an hour, unless it is set) goes to the next worker, although the first
    is still at work. With a visibility timeout of 6 s a task of 20 s ran four times on a real worker.

    ## Example

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")
    app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1)


    @app.task(soft_time_limit=7000, time_limit=7200)
    def rebuild(shop):
        return shop
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")
    app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1)
    app.conf.broker_transport_options = {"visibility_timeout": 3 * 3600}


    @app.task(soft_time_limit=7000, time_limit=7200)
    def rebuild(shop):
        return shop
    ```

    ## Limits

    The broker must be known: from the scheme of a constant URL, or of a text that begins with it, from the
    option `broker`, or from a variable of the environment, if its default and all launch files that give it
    name the same kind. Options that a function returns are told if all that it may return fall short. A time
    limit tells how long a task may run (the hard one, else the soft one); a task without a limit is not
    judged. Told once, at the longest limit, with the places of the others: one timeout is enough for all.
    Silent where the visibility timeout cannot be read. A longer timeout in `result_backend_transport_options`
    alone is told where tasks may acknowledge late: the broker does not read it.

    ## References

    * <https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html#visibility-timeout>
    * <https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/sqs.html>
    """

    code = "CEL516"
    name = "visibility-timeout-too-short"
    severity = "warning"
    preset = "recommended"
    message = "{owner} may run {limit} s; {broker} redelivers after {visibility} s, so it runs twice"
    help = "set a `visibility_timeout` above {limit} (seconds) in `broker_transport_options`"

    variants = {
        "results": (
            "a `visibility_timeout` for results only: {broker} redelivers after {visibility} s",
            "set it in `broker_transport_options` too",
        ),
    }

    @on(Delays.timeouts_of_results)
    def check_results(self, fact: ResultsOnly) -> Iterator[Finding]:
        """Report the timeout that the broker never hears of."""
        values = {"broker": fact.broker.title, "visibility": f"{fact.broker.visibility:g}"}
        yield Finding(fact.place, values, (), "results")

    @on(Delays.long_runs)
    def check(self, fact: LongRun) -> Iterator[Finding]:
        """Report the limit that allows so much, pointing at the timeout if it is set."""
        values = {
            "owner": fact.owner,
            "limit": f"{fact.limit:g}",
            "broker": fact.broker.title,
            "visibility": f"{fact.broker.visibility:g}",
        }
        set_here = fact.broker.place
        related = ((set_here, "the visibility timeout is set here"),) if set_here is not None else ()
        yield Finding(fact.place, values, related, cause=Cause(fact.broker, fact.rank))
