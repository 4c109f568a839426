"""CEL515 soft-limit-swallowed."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.soft_limits import SoftLimits, SwallowedLimit
from celery_lint.rule import Finding, Rule, on

_WHERE = {"caller": "called in a loop", "step": "this goes on", "outer": "this handler is for it"}


class SoftLimitSwallowed(Rule):
    """A task swallows the exception of its soft time limit and goes on with the next item or step.

    ## Why it matters

    A soft limit is one exception, raised once, wherever the task happens to be. It is an `Exception`: a
    handler that keeps one bad item from stopping the loop gets it, and the loop takes the next item. The task
    runs on until the hard limit kills its process, with a tenth of a second left for any `finally`, or to its
    end if there is none.

    ## Example

    ```python
    import time

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def send(seconds):
        for second in seconds:
            try:
                time.sleep(second)
            except Exception:
                print("not sent")
    ```

    ## Use instead

    ```python
    import time

    from celery import shared_task
    from celery.exceptions import SoftTimeLimitExceeded


    @shared_task(soft_time_limit=50, time_limit=60)
    def send(seconds):
        for second in seconds:
            try:
                time.sleep(second)
            except SoftTimeLimitExceeded:
                raise
            except Exception:
                print("not sent")
    ```

    ## Limits

    Only where a soft limit is known to be in force (its own, its base class's, the only application's),
    be it one of the environment that is usually none of 0 (`int(os.getenv("SOFT", 300))`): for loops in
    the task and in functions that it calls, also where the handler stands in the function that does one
    item, and for handlers and context managers (`suppress(Exception)`, those of the project) that stand
    one after the other in a task with a limit of its own, or inside a `try` that has a handler for the
    limit. Silent where the handler raises (other than for exceptions that it names) or leaves the loop,
    where nothing that is tried is known to wait (what is done in memory takes no time, and the limit
    arrives elsewhere), where only a message is sent or a function keeps one row, where all known pools
    enforce no soft limit, and where a coroutine awaits: `asyncio.run` cancels it, and `CancelledError` is
    no `Exception`. In a blocking call of a coroutine the limit arrives like anywhere else, but in no
    other thread than that of the task. A function that does one item is told once. A bare `except` is
    CEL437.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL515"
    name = "soft-limit-swallowed"
    severity = "warning"
    preset = "strict"
    message = "this handler swallows SoftTimeLimitExceeded: the loop of `{task}` goes on"
    help = "write `except SoftTimeLimitExceeded: raise` before it"
    variants = {
        "step": (
            "this handler swallows SoftTimeLimitExceeded: the next step of `{task}` goes on",
            "write `except SoftTimeLimitExceeded: raise` before it",
        ),
        "caller": (
            "this handler swallows SoftTimeLimitExceeded: the loop around it goes on for `{task}`",
            "write `except SoftTimeLimitExceeded: raise` before it",
        ),
        "outer": (
            "this handler swallows SoftTimeLimitExceeded, which `{task}` waits for further out",
            "write `except SoftTimeLimitExceeded: raise` before it",
        ),
        "kept": (
            "this `with` swallows SoftTimeLimitExceeded: `{task}` goes on after its limit",
            "name only expected exceptions there, and not SoftTimeLimitExceeded",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_a_swallowed_soft_limit_does_not_end_the_task"
    fixable = "unsafe"

    @on(SoftLimits.swallowed)
    def check(self, fact: SwallowedLimit) -> Iterator[Finding]:
        """Report the handler, pointing at the limit."""
        body, step = fact.handler.body, fact.handler.step
        related = [(fact.limit, "the soft limit is set here"), *body.related()]
        if fact.where is not None:
            related.append((fact.where, _WHERE[fact.onward]))
        variant = "kept" if step.kind == "with" else "" if fact.onward == "loop" else fact.onward
        fix = (
            None if variant == "kept" else ("celery.exceptions", "SoftTimeLimitExceeded", str(step.span.line))
        )
        yield Finding(body.place(step), {"task": body.task.label}, tuple(related), variant, fix)
