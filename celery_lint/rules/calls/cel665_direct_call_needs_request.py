"""CEL665 direct-call-needs-request."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.direct_calls import CalledDirectly, DirectCalls
from celery_lint.model.facts import Place
from celery_lint.rule import Finding, Rule, on


class DirectCallNeedsRequest(Rule):
    """A task that tells its state is called as a function.

    ## Why it matters

    A call runs the function here and now: it is no run of the task, and has no id. `self.update_state()` then
    raises `ValueError: task_id must not be empty. Got None instead.`, also where one task calls another. So
    does `current_task.update_state()`. Where the task catches that itself, each call ends in its handler.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost", backend="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task(bind=True)
    def bill(self, orders):
        self.update_state(state="PROGRESS", meta={"orders": len(orders)})
        print(orders)


    def ordered(orders):
        bill(orders)
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost", backend="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task(bind=True)
    def bill(self, orders):
        if self.request.id:
            self.update_state(state="PROGRESS", meta={"orders": len(orders)})
        print(orders)


    def ordered(orders):
        bill(orders)
    ```

    ## Limits

    Speaks where the result backend can be seen and is Redis, Memcached or files: a database stores the state
    under no id, `rpc://` sends it to nobody. And where the task comes to `update_state()` whatever happens:
    not under a condition or after a `return`. In a `try` that catches all errors it speaks where more follows
    there than lines of a log. A task that calls itself has an id in a worker.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#custom-states>
    """

    code = "CEL665"
    name = "direct-call-needs-request"
    severity = "error"
    preset = "recommended"
    message = "`{task}()` is no run and has no id: its `self.update_state()` raises `ValueError`"
    help = "send it, or check `self.request.id` before `self.update_state()`"
    variants = {
        "caught": (
            "`{task}()` has no id: its `update_state()` raises `ValueError`, and the rest never runs",
            "send it, or check `self.request.id` before `update_state()`",
        )
    }
    proof = "tests/proofs/test_outcomes.py::test_a_task_that_is_called_has_no_id"

    @on(DirectCalls.all)
    def check(self, fact: CalledDirectly) -> Iterator[Finding]:
        """Report the call, pointing at what needs the id, and at what catches that it has none."""
        need = fact.need
        related: tuple[tuple[Place, str], ...] = ((need.place, "this needs the id of a run"),)
        if need.caught is not None:
            related = (*related, (need.caught, "this catches the error"))
        yield Finding(fact.place, {"task": need.task.label}, related, "caught" if need.caught else "")
