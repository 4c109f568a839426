"""CEL226 signal-handler-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.processes import Processes, SignalChange
from celery_lint.rule import Cause, Finding, Rule, on


class SignalHandlerInTask(Rule):
    """A task takes a signal that belongs to the worker.

    ## Why it matters

    The processes of a prefork worker handle signals themselves. `SIGUSR1` brings the soft time limit: with
    a handler of the task's own it never arrives, for this and every later task of the process. `SIGTERM`
    ends a task that is revoked with `terminate=True`: replaced, the task runs on although its state is
    `REVOKED`. `SIGINT` is ignored so that Ctrl-C lets running tasks finish. In a pool of threads Python
    refuses: `ValueError: signal only works in main thread of the main interpreter`. An alarm without a
    handler kills the process.

    ## Example

    ```python
    import signal

    from celery import shared_task


    def stop(number, frame):
        raise TimeoutError


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        signal.signal(signal.SIGTERM, stop)
        return pk
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from celery.exceptions import SoftTimeLimitExceeded


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        try:
            return pk
        except SoftTimeLimitExceeded:
            return None
    ```

    ## Limits

    Looks at functions that tasks call, three calls deep. Silent where the same function sets the signal
    again, and for `SIGALRM` with a handler, which works in the pools prefork and solo.

    ## References

    * <https://docs.python.org/3/library/signal.html#signals-and-threads>
    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#process-signals>
    """

    code = "CEL226"
    name = "signal-handler-in-task"
    severity = "warning"
    preset = "strict"
    message = "the worker's own handling of `{signal}` is replaced for all later tasks"
    help = "use `soft_time_limit`, or set the old handler again in a `finally`"
    variants = {
        "thread": (
            "`signal.signal` raises ValueError: the threads pool runs no task in the main thread",
            "use a timeout of what the task waits for",
        ),
        "fatal": (
            "nothing handles the alarm of `{signal}`: it kills the process that runs the task",
            "use `soft_time_limit` and `time_limit`",
        ),
    }
    proof = "tests/proofs/test_resources.py::test_an_alarm_kills_the_process"

    @on(Processes.signals)
    def check(self, change: SignalChange) -> Iterator[Finding]:
        """Report the call that sets the handler or the alarm: what mends one mends those beside it."""
        variant = "" if change.fate == "replaced" else change.fate
        cause = Cause((change.site.module.path, change.site.function.qualname))
        yield Finding(change.place, {"signal": change.signal}, change.site.related(), variant, cause=cause)
