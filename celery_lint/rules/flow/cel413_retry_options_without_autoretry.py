"""CEL413 retry-options-without-autoretry."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.retry_options import InertRetryOption, RetryOptions
from celery_lint.rule import Finding, Rule, on


class RetryOptionsWithoutAutoretry(Rule):
    """An option that only works together with `autoretry_for` is set without it.

    ## Why it matters

    `retry_backoff`, `retry_backoff_max`, `retry_jitter`, `retry_kwargs` and `dont_autoretry_for` belong to
    the automatic retry. A call of `self.retry()` does not look at them: it waits `default_retry_delay`, 180
    seconds unless set, every time, and takes `max_retries` of the task, 3 unless set.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, retry_backoff=15, soft_time_limit=50, time_limit=60)
    def pull(self):
        try:
            return open("/data")
        except OSError as exc:
            raise self.retry(exc=exc)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(OSError,), retry_backoff=15, soft_time_limit=50, time_limit=60)
    def pull():
        return open("/data")
    ```

    ## Limits

    The options of the task's base class, wrapper, application and `task_annotations` are seen, and the rule
    is silent where one of these is out of sight. Silent too where the project reads the option back as an
    attribute, and where every call of `retry` says its own `countdown` or `eta`, unless
    `retry_kwargs` holds nothing but another `max_retries` than the task has; of a sketch, whose body only
    logs, passes, takes the time and puts values together, and of a task that keeps all its exceptions for
    itself (`except Exception:` around its work, which only logs), so that `autoretry_for` would never see
    one.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions>
    """

    code = "CEL413"
    name = "retry-options-without-autoretry"
    severity = "warning"
    preset = "recommended"
    message = "`{keyword}` has no effect without `autoretry_for`"
    help = "give `countdown` to `retry()`, or have `autoretry_for` retry in its place"
    variants = {
        "unused": (
            "`{keyword}` has no effect without `autoretry_for`",
            "remove it, or name the exceptions after which to retry in `autoretry_for`",
        ),
        "bound": (
            "`{keyword}` has no effect without `autoretry_for`",
            "write `max_retries={number}` among the options of the task, without `retry_kwargs`",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_retry_does_not_look_at_the_backoff"

    @on(RetryOptions.inert)
    def check(self, fact: InertRetryOption) -> Iterator[Finding]:
        """Report the option, pointing at a retry that does not look at it."""
        call = fact.by_hand
        related = ((call.place, "this retry does not look at it"),) if call is not None else ()
        if fact.bound is not None:
            values = {"keyword": fact.option.name, "number": str(fact.bound)}
            yield Finding(fact.option.place, values, related, "bound")
            return
        variant = "" if fact.retried else "unused"
        yield Finding(fact.option.place, {"keyword": fact.option.name}, related, variant)
