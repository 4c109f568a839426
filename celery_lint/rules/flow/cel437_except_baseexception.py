"""CEL437 except-baseexception."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.swallowing import BlanketHandler, Swallowing
from celery_lint.rule import Finding, Rule, on


class ExceptBaseexception(Rule):
    """A task swallows everything that can be raised, and with it the exceptions that end a process or a task.

    ## Why it matters

    `revoke(terminate=True)` raises `SystemExit` inside the task in a prefork worker, and `GreenletExit` in
    one of gevent or eventlet; the end of an event loop raises `CancelledError` in a coroutine. None of them
    is an `Exception`, so `except Exception` lets them pass. A bare `except:` does not: a revoked task was
    seen to go on, do the rest of its work and end as SUCCESS, where the same task with `except Exception`
    was REVOKED at once.

    ## Example

    ```python
    import time

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def wait(seconds):
        try:
            time.sleep(seconds)
        except:
            print("interrupted")
        time.sleep(seconds)
    ```

    ## Use instead

    ```python
    import time

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def wait(seconds):
        try:
            time.sleep(seconds)
        except ValueError:
            print("no such time")
        time.sleep(seconds)
    ```

    ## Limits

    In the functions of tasks, the methods of class-based ones and the coroutines that tasks run. Silent where
    the handler may raise on any way through it, where an earlier one names `SystemExit`, where nothing in the
    `try` waits, and where no work is left after the handler: then the task ends anyway, whatever the handler
    does once. A handler that swallows a retry as well is told by CEL411.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#revoke-revoking-tasks>
    * <https://docs.python.org/3/library/exceptions.html#SystemExit>
    """

    code = "CEL437"
    name = "except-baseexception"
    severity = "warning"
    preset = "strict"
    message = "`except BaseException` keeps a revoke or a shutdown from ending task `{task}`"
    help = "catch `Exception`, or raise again at the end of the handler"
    variants = {
        "bare": (
            "a bare `except` keeps a revoke or a shutdown from ending task `{task}`",
            "catch `Exception`, or raise again at the end of the handler",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_a_bare_except_swallows_the_revocation"

    @on(Swallowing.blankets)
    def check(self, fact: BlanketHandler) -> Iterator[Finding]:
        """Report the handler."""
        body, step = fact.handler.body, fact.handler.step
        variant = "" if step.chains else "bare"
        yield Finding(body.place(step), {"task": body.task.label}, body.related(), variant)
