"""CEL225 process-exit-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.processes import Processes, ProcessExit
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.running import UNFORKED
from celery_lint.rule import Finding, Rule, on


class ProcessExitInTask(Rule):
    """A task ends its process in place of itself.

    ## Why it matters

    `SystemExit` is no error for Celery to report: it ends the process. In a prefork worker the task fails
    with `WorkerLostError: Worker exited prematurely: exitcode 0.`, or whatever the code was, and the process
    is replaced. In the pools `threads`, `gevent` and `eventlet` the task just never has a
    result, and in `solo` the worker itself dies. `os._exit` and `os.abort` take the whole worker with them
    everywhere but in prefork.

    ## Example

    ```python
    import sys

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        if pk < 0:
            sys.exit(1)
        return pk
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        if pk < 0:
            raise ValueError(f"no order has the number {pk}")
        return pk
    ```

    ## Limits

    Looks at functions that tasks call, three calls deep, `sys.exit`, `exit`, `quit`, `os._exit`, `os.abort`
    and `raise SystemExit`. Silent where the way to the task catches `SystemExit`, in callbacks and the
    targets of threads, for `os._exit` beside `os.fork`, where the constants that the calls on the way give
    close the branch, where every caller raises before for what the branch asks about, in handlers of what
    nothing in their `try` raises (`FileNotFoundError` of `ConfigParser.read()`, which skips missing files),
    and for conditions in what makes the web application: a server that is configured so does not start
    either. Told once a function.

    ## References

    * <https://docs.python.org/3/library/exceptions.html#SystemExit>
    * <https://github.com/celery/celery/issues/2911>
    """

    code = "CEL225"
    name = "process-exit-in-task"
    severity = "error"
    preset = "recommended"
    message = "`{call}` ends the worker process, and the task fails with WorkerLostError"
    help = "raise an exception that says what is wrong, or return"
    variants = {
        "pending": (
            "`{call}` ends the task without a result in the {pool} pool",
            "raise an exception that says what is wrong, or return",
        ),
        "stopped": (
            "`{call}` ends the whole worker: the {pool} pool runs its tasks in one process",
            "raise an exception that says what is wrong, or return",
        ),
    }
    proof = "tests/proofs/test_resources.py::test_an_exit_loses_the_process"

    @on(Processes.exits)
    def check(self, end: ProcessExit) -> Iterator[Finding]:
        """Report what ends the process."""
        pool = self.known.of(Pools).of(end.site.tasks).first(*UNFORKED)
        values = {"call": end.name, "pool": pool.name if pool is not None else ""}
        yield Finding(end.place, values, end.site.related(), "" if end.fate == "lost" else end.fate)
