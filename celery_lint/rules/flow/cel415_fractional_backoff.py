"""CEL415 fractional-backoff."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.retries.kept import Kept
from celery_lint.inventory.retries.policies import Retries, RetryOption
from celery_lint.rule import Finding, Rule, on


class FractionalBackoff(Rule):
    """A backoff is not a whole number of seconds, and Celery makes it one.

    ## Why it matters

    The automatic retry rounds down: `retry_backoff=2.9` waits two seconds first, `retry_backoff=0.5` one
    second, because one is the least, and `retry_backoff_max=0.5` is a limit of no seconds at all, so that
    every retry comes at once.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(OSError,), retry_backoff=0.5, soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(OSError,), retry_backoff=1, soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Limits

    Compares numbers that can be worked out: literals, constants, sums and products of them. Silent where
    the task itself catches all that it is to be retried for, so that it never is.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions>
    """

    code = "CEL415"
    name = "fractional-backoff"
    severity = "advice"
    preset = "recommended"
    message = "Celery takes `{keyword}={value}` as {count}"
    help = "use a whole number of seconds"
    proof = "tests/proofs/test_retries.py::test_a_backoff_is_rounded_down"

    @on(Retries.options)
    def check(self, option: RetryOption) -> Iterator[Finding]:
        """Report a number with a fraction."""
        least = {"retry_backoff": 1, "retry_backoff_max": 0}.get(option.name)
        number = self.known.project.number(option.module, option.value)
        if least is None or number is None or number <= 0 or number == int(number):
            return
        kept = self.known.of(Kept)
        if all(p.automatic and not kept.is_never_automatic(p) for p in option.policies):
            values = {"keyword": option.name, "value": f"{number:g}", "count": max(least, int(number))}
            yield Finding(option.place, values)
