"""CEL421 retry-kwargs-typo."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_options import RetryOptions, UnknownRetryKey
from celery_lint.rule import Finding, Rule, on


class RetryKwargsTypo(Rule):
    """A keyword means nothing to `retry`, and nobody says so.

    ## Why it matters

    `retry` hands what it does not know on to the message, where it is ignored. `max_retry=5` leaves the
    bound at three, `delay=10` waits the default of three minutes. Options such as `retry_backoff` belong to
    the task.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(
        autoretry_for=(OSError,),
        retry_kwargs={"max_retry": 5, "countdown": 10},
        soft_time_limit=50,
        time_limit=60,
    )
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(
        autoretry_for=(OSError,),
        retry_kwargs={"max_retries": 5, "countdown": 10},
        soft_time_limit=50,
        time_limit=60,
    )
    def pull():
        return 1
    ```

    ## Limits

    Reports keywords that are close to a real one, or that other libraries use for it; any other may be an
    option of a message that a project handles itself. A mapping must be written as `retry_kwargs`, not
    merely named there.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry>
    """

    code = "CEL421"
    name = "retry-kwargs-typo"
    severity = "error"
    preset = "recommended"
    message = "`retry()` has no option `{key}` and ignores it"
    help = "set it in the decorator: `{key}` is an option of the task"
    variants = {
        "nearest": (
            "`retry()` has no option `{key}` and ignores it",
            "did you mean `{nearest}`?",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_retry_ignores_what_it_does_not_know"
    fixable = "unsafe"

    @on(RetryOptions.unknown_keys)
    def check(self, fact: UnknownRetryKey) -> Iterator[Finding]:
        """Report the keyword."""
        variant, fix = ("nearest", (fact.key, fact.nearest)) if fact.nearest else ("", None)
        yield Finding(fact.place, {"key": fact.key, "nearest": fact.nearest}, (), variant, fix)
