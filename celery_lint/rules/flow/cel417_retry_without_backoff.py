"""CEL417 retry-without-backoff."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.retries.kept import Kept
from celery_lint.inventory.retries.policies import Retries, RetryOption
from celery_lint.rule import Finding, Rule, on


class RetryWithoutBackoff(Rule):
    """A task is retried at a fixed interval.

    ## Why it matters

    Without `retry_backoff` the automatic retry waits `default_retry_delay`, 180 seconds unless set, every
    time. A service that needs time to come back gets the same load again and again, and a short failure
    costs three minutes.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(OSError,), soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(OSError,), retry_backoff=True, soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Limits

    Silent with a `countdown` in `retry_kwargs`, where options are out of sight, and where the task itself
    catches all that it is to be retried for, so that it never is.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions>
    """

    code = "CEL417"
    name = "retry-without-backoff"
    severity = "advice"
    preset = "house"
    proof = "convention"
    message = "`{task}` retries at a fixed interval and keeps hitting a service that is down"
    help = "add `retry_backoff=True`"

    @on(Retries.options)
    def check(self, option: RetryOption) -> Iterator[Finding]:
        """Report the list of exceptions."""
        if option.name != "autoretry_for":
            return
        for policy in option.policies:
            given = policy.options.get("retry_kwargs")
            known = self.known.of(Retries).constant(given)
            if given is not None and (known is None or known.open_ended() or known.keyword("countdown")):
                return
            if not policy.known or not policy.automatic or "retry_backoff" in policy.options:
                return
            if self.known.of(Kept).is_never_automatic(policy):
                return
        yield Finding(option.place, {"task": option.task})
