"""CEL416 retry-without-jitter."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.retries.kept import Kept
from celery_lint.inventory.retries.policies import Retries, RetryOption
from celery_lint.rule import Finding, Rule, on


class RetryWithoutJitter(Rule):
    """The random part of the delay between retries is switched off.

    ## Why it matters

    Tasks that failed together, because a service was down, are then retried together, and fail together
    again. With `retry_jitter`, which is on unless switched off, each waits a random time up to the backoff.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(
        autoretry_for=(OSError,),
        retry_backoff=True,
        retry_jitter=False,
        soft_time_limit=50,
        time_limit=60,
    )
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

    Only with `autoretry_for` and `retry_backoff`: the jitter changes nothing else. Silent where the
    task itself catches all that it is to be retried for, so that it never is. Who needs a delay that
    can be foretold has a reason to switch it off.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions>
    """

    code = "CEL416"
    name = "retry-without-jitter"
    severity = "advice"
    preset = "strict"
    proof = "convention"
    message = "`retry_jitter=False` lets tasks that failed together retry together"
    help = "remove `retry_jitter=False`"

    @on(Retries.options)
    def check(self, option: RetryOption) -> Iterator[Finding]:
        """Report an explicit ``False``."""
        known = self.known.of(Retries).constant((option.module, option.value))
        if option.name != "retry_jitter" or known is None or known.data is not False:
            return
        kept, project = self.known.of(Kept), self.known.project
        if any(kept.is_never_automatic(policy) for policy in option.policies):
            return
        if all(policy.automatic and policy.backs_off(project) for policy in option.policies):
            yield Finding(option.place)
