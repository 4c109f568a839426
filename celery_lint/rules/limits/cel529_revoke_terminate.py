"""CEL529 revoke-terminate."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.terminations import Termination, Terminations
from celery_lint.rule import Finding, Rule, on


class RevokeTerminate(Rule):
    """A program revokes tasks with `terminate=True`, which ends the process at whatever line the task is.

    ## Why it matters

    The worker sends a signal to the process that runs the task. `SIGTERM`, the default, raises `SystemExit`
    at whatever line the task is: its `finally` blocks run, and no `except Exception` does, so that a row
    stays `running` and a batch is left in the middle. With `SIGKILL` no `finally` runs either. Celery's
    manual reserves it for administrators. In the threads pool it cannot work: the worker answers
    `NotImplementedError`, and the task goes on.

    ## Example

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    def cancel(task_id):
        app.control.revoke(task_id, terminate=True)
    ```

    ## Use instead

    ```python
    from celery import Celery
    from celery.contrib.abortable import AbortableAsyncResult

    app = Celery("proj", broker="redis://localhost")


    def cancel(task_id):
        app.control.revoke(task_id)
        AbortableAsyncResult(task_id, app=app).abort()
    ```

    ## Limits

    Only for a literal `terminate=True` and for `control.terminate()`; silent in management commands of
    Django, and where workers run gevent or eventlet: there a greenlet is ended and nothing else.
    Silent for other signals than `SIGTERM`, `SIGKILL`, `SIGQUIT`, `SIGHUP` and `SIGABRT`, and for one that
    cannot be seen: `SIGUSR1` raises `SoftTimeLimitExceeded` in the task, in the prefork pool, and ends no
    process.
    Silent for the name of a task or of an entry of beat, which is no id: nothing runs under it, and nothing
    ends. A task of the class `AbortableTask` asks `self.is_aborted()` and stops by itself.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#revoke-revoking-tasks>
    """

    code = "CEL529"
    name = "revoke-terminate"
    severity = "warning"
    preset = "strict"
    message = "`terminate=True` raises SystemExit at any line of the task: no `except Exception` runs"
    help = "check `self.is_aborted()` in an `AbortableTask`, or set a time limit"
    variants = {
        "pool": (
            "the {pool} pool cannot terminate a task: it runs on to its end",
            "check `self.is_aborted()` in an `AbortableTask`",
        ),
        "kill": (
            "`SIGKILL` kills the worker process at any line of the task, without any `finally`",
            "check `self.is_aborted()` in an `AbortableTask`, or set a time limit",
        ),
    }
    proof = "tests/proofs/test_deliveries.py::test_a_terminated_task_runs_no_handler"

    @on(Terminations.deadly)
    def check(self, fact: Termination) -> Iterator[Finding]:
        """Report the call."""
        if fact.pool is not None:
            yield Finding(fact.place, {"pool": fact.pool.name}, fact.pool.related(), "pool")
        elif fact.signal == "SIGKILL":
            yield Finding(fact.place, {}, (), "kill")
        else:
            yield Finding(fact.place)
