"""CEL412 broad-autoretry."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.retries.policies import Retries, RetryOption
from celery_lint.rule import Finding, Rule, on

_BROAD = ("builtins.BaseException", "builtins.Exception")


class BroadAutoretry(Rule):
    """`autoretry_for` names `Exception`, so mistakes in the code are retried as well.

    ## Why it matters

    A `TypeError` that fails every time is then retried until `max_retries`, and shows only minutes later.
    The soft time limit raises a subclass of `Exception` too: a task that takes too long starts again and
    takes too long again.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(Exception,), retry_backoff=True, soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(
        autoretry_for=(ConnectionError, TimeoutError),
        retry_backoff=True,
        soft_time_limit=50,
        time_limit=60,
    )
    def pull():
        return 1
    ```

    ## Limits

    Silent with `dont_autoretry_for`. Many projects choose the broad form on purpose, so the rule is not part
    of a preset.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions>
    """

    code = "CEL412"
    name = "broad-autoretry"
    severity = "advice"
    preset = "all"
    message = "`autoretry_for` of `{task}` also retries bugs and soft time limits"
    help = "list only errors that may pass, such as `ConnectionError`, or add `dont_autoretry_for`"
    proof = "tests/proofs/test_retries.py::test_a_soft_limit_is_an_exception_to_retry"

    @on(Retries.options)
    def check(self, option: RetryOption) -> Iterator[Finding]:
        """Report the exception in the list."""
        if option.name != "autoretry_for" or option.value.kind != "sequence":
            return
        if any("dont_autoretry_for" in policy.options or not policy.known for policy in option.policies):
            return
        for item in option.value.items:
            if self.known.of(Retries).entity(option.module, item).name in _BROAD:
                yield Finding(option.module.place(item.span), {"task": option.task})
