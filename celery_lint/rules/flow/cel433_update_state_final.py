"""CEL433 update-state-final."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.task_state import StateCall, TaskState
from celery_lint.rule import Finding, Rule, on


class UpdateStateFinal(Rule):
    """A task sets its own state to SUCCESS before it is at its end.

    ## Why it matters

    SUCCESS is final: whoever waits with `get()` goes on at once, with `meta` as the result. Redis and the
    other key-value backends then keep it: the value that the task returns later is not stored, and neither is
    the exception that it raises. SQLAlchemy and MongoDB do so from Celery 5.7 on; before, and in the tables
    of django-celery-results, the later result takes its place.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def count(self, rows):
        self.update_state(state="SUCCESS", meta={"rows": len(rows)})
        return len(rows)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def count(self, rows):
        self.update_state(state="COUNTED", meta={"rows": len(rows)})
        return len(rows)
    ```

    ## Limits

    Only in the task's own function, where work follows or another value than `meta` is returned, and only
    where nothing after the call raises: `raise Ignore()` makes it the result on purpose. Where nothing but
    that value follows, silent with a database as the backend. STARTED and PENDING set by hand are
    overwritten when the task ends, and are left alone. Silent too where a base class of the project has its
    own `update_state` or a backend of the project its own `store_result`, and below
    `if self.request.is_eager:` or `called_directly`: nobody reads early there.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#task-states>
    """

    code = "CEL433"
    name = "update-state-final"
    severity = "warning"
    preset = "recommended"
    proof = "tests/proofs/test_states.py::test_success_is_final"
    message = "`{state}` before the end: `get()` returns while the task is still running"
    help = "return the result, and until then use a custom state such as `PROGRESS`"
    variants = {
        "result": (
            "`{state}` by hand stays: what the task returns is dropped, and `get()` gives `meta`",
            "return the result and leave `{state}` to Celery",
        ),
    }

    @on(TaskState.calls)
    def check(self, fact: StateCall) -> Iterator[Finding]:
        """Report SUCCESS in the function of a task that goes on, or returns another value."""
        if fact.lost and fact.refused is None:
            yield Finding(fact.place, {"state": fact.state}, (), "result" if fact.lost == "result" else "")
