"""CEL414 retry-delay-ignored."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_options import IgnoredDelay, RetryOptions
from celery_lint.rule import Finding, Rule, on


class RetryDelayIgnored(Rule):
    """A delay between retries is set, and another option overrides it.

    ## Why it matters

    With `retry_backoff` the automatic retry waits one second, then two, then four, whatever
    `default_retry_delay` says; with a `countdown` in `retry_kwargs` it waits that. And `retry_backoff`
    replaces the `countdown` in `retry_kwargs`. A task that seems to wait a minute is retried at once. No
    delay is longer than `retry_backoff_max`, ten minutes unless set: `retry_backoff=3600` alone waits ten
    minutes at most, with `retry_jitter`, which is on, any time from none to that.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(
        autoretry_for=(OSError,),
        retry_backoff=True,
        default_retry_delay=60,
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
        retry_backoff=60,
        retry_backoff_max=3600,
        soft_time_limit=50,
        time_limit=60,
    )
    def pull():
        return 1
    ```

    ## Limits

    Silent where both say the same (`retry_backoff=True` is one second), and where the task also calls
    `retry()` without a `countdown` of its own: that call does use `default_retry_delay`. Silent as well
    where the task itself catches every error of its work and calls `retry()`: no retry is automatic then,
    and none of these options counts, but for `default_retry_delay` where that call has no `countdown` or
    `eta`. It may raise again where it has found the retries used up (`if self.request.retries <
    self.max_retries:` before it, or `except MaxRetriesExceededError:` around it). And where it, or the
    coroutine or method that it runs, catches all that `autoretry_for` waits for and lets none of it go on,
    as far as what stands around that `try` raises nothing of the kind, or only stores how the work ended.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions>
    """

    code = "CEL414"
    name = "retry-delay-ignored"
    severity = "warning"
    preset = "recommended"
    message = "`default_retry_delay` is ignored when `retry_backoff` is on"
    help = "give the seconds to `retry_backoff`, and remove this option"
    variants = {
        "chosen": (
            "`default_retry_delay` is ignored when `retry_backoff` is on",
            "remove it: the seconds of `retry_backoff` count, doubled each time",
        ),
        "countdown": (
            "`default_retry_delay` is ignored when `retry_kwargs` has a `countdown`",
            "remove it: each automatic retry waits that `countdown`",
        ),
        "mapping": (
            "`countdown` in `retry_kwargs` is ignored when `retry_backoff` is on",
            "give the seconds to `retry_backoff`, and remove the `countdown`",
        ),
        "mapping-chosen": (
            "`countdown` in `retry_kwargs` is ignored when `retry_backoff` is on",
            "remove it: the seconds of `retry_backoff` count, doubled each time",
        ),
        "bound": (
            "`retry_backoff` is above `retry_backoff_max`, so each retry waits only that long",
            "raise `retry_backoff_max` (600 seconds unless set), or lower this",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_the_backoff_takes_the_place_of_the_delay"

    @on(RetryOptions.ignored)
    def check(self, fact: IgnoredDelay) -> Iterator[Finding]:
        """Report the delay that is ignored, pointing at the option that decides."""
        if fact.delay == "retry_backoff":
            related = () if fact.winner_place == fact.place else ((fact.winner_place, "this is the bound"),)
            yield Finding(fact.place, {}, related, "bound")
            return
        variant = "mapping" if fact.delay == "countdown" else ""
        if not variant and fact.winner == "countdown":
            variant = "countdown"
        elif fact.chosen:
            variant = "mapping-chosen" if variant else "chosen"
        yield Finding(
            fact.place, {}, ((fact.winner_place, f"`{fact.winner}` is set here and wins"),), variant
        )
