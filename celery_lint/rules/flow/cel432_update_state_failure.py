"""CEL432 update-state-failure."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.task_state import StateCall, TaskState
from celery_lint.rule import Finding, Rule, on


class UpdateStateFailure(Rule):
    """A task stores the state of a failed task by hand, and no reader sees a failed task.

    ## Why it matters

    A reader of a failed task's result makes an exception of it again, from its type. A dictionary without
    `exc_type` makes none: `get()` and even `state` raise `ValueError: Exception information must include
    the exception type`. So does the worker when it stores the real result or exception over it in Redis,
    files, memcached or the cache of Django, which read first: that is lost. With `rpc://` whoever waits gets
    the error. Databases (SQLAlchemy, Django, MongoDB) store what follows, and so does every backend after a
    dictionary with a type: a `return` stores SUCCESS over FAILURE.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def resize(self, path, width):
        if width < 1:
            self.update_state(state="FAILURE", meta={"error": "no width"})
            return None
        return f"{path}@{width}"
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def resize(self, path, width):
        if width < 1:
            raise ValueError("no width")
        return f"{path}@{width}"
    ```

    ## Limits

    FAILURE, REVOKED and RETRY, by name or from `celery.states`, with a dictionary that is written out; what
    a variable holds is not known. Of FAILED, FAIL and ERROR, which are no states of Celery and can be read,
    only that they do not last, and only where the task does not go on: no next round of a loop, no work
    behind the branch or the handler. Where the backend is a database, only what nothing is stored over is
    reported as unreadable: `raise Ignore()` follows, results are ignored, or it is another task's state; and
    nothing where that is `django-db` and all that reads results does so by `TaskResult`. That the state does
    not last is only said in the task's own function, where nothing after the call raises, and not of tasks
    that ignore their result, nor where a `finally` stores another state over it at once. `raise Ignore()`
    after it keeps the state. Silent where a backend of the project's own, or a patch, reads results in
    another way, for the tasks of the applications that have it, and in a handler that only a backend which is
    away would lead to.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#custom-states>
    * <https://github.com/celery/celery/issues/5179>
    """

    code = "CEL432"
    name = "update-state-failure"
    severity = "error"
    preset = "recommended"
    message = "`{state}` is stored without `exc_type`: reading the result raises `ValueError`"
    help = "raise an exception; Celery stores it"
    variants = {
        "overwritten": (
            "the end of the task stores SUCCESS over the state `{state}`",
            "raise an exception; Celery stores it",
        )
    }
    proof = "tests/proofs/test_states.py::test_a_failure_without_its_exception_cannot_be_read"

    @on(TaskState.calls)
    def check(self, fact: StateCall) -> Iterator[Finding]:
        """Report a state that nobody can read, or that does not last."""
        if fact.refused is not None:
            return
        if fact.unreadable():
            yield Finding(fact.place, {"state": fact.state})
        elif fact.short_lived():
            yield Finding(fact.place, {"state": fact.state}, variant="overwritten")
