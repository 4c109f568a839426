"""CEL321 task-instance-state."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.instance_state import InstanceState, InstanceStates
from celery_lint.rule import Finding, Rule, on


class TaskInstanceState(Rule):
    """A task keeps what it works on in `self`, in a pool that runs several of them at a time.

    ## Why it matters

    A process has one object for each task, whatever it runs. In the pools `threads`, `gevent` and `eventlet`
    the next run sets the attribute while the first one still reads it: it goes on with the order, or the
    user, of another. No error says so.

    ## Example

    ```python
    from celery import Celery, Task

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(worker_pool="threads")


    class Bill(Task):
        name = "shop.bill"

        def run(self, order):
            self.order = order
            self.print_it()

        def print_it(self):
            print(self.order)


    app.register_task(Bill())
    ```

    ## Use instead

    ```python
    from celery import Celery, Task

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(worker_pool="threads")


    class Bill(Task):
        name = "shop.bill"

        def run(self, order):
            self.print_it(order)

        def print_it(self, order):
            print(order)


    app.register_task(Bill())
    ```

    ## Limits

    Speaks where the pool is known, and of what a run makes of its arguments: what is made once, in `__init__`
    or under a condition, may be shared on purpose.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#instantiation>
    """

    code = "CEL321"
    name = "task-instance-state"
    severity = "error"
    preset = "recommended"
    message = "`self.{attribute}` is lost: other runs overwrite it ({pool} pool)"
    help = "pass it as an argument, or keep it in a local variable"
    proof = "tests/proofs/test_outcomes.py::test_threads_share_the_task"

    @on(InstanceStates.all)
    def check(self, fact: InstanceState) -> Iterator[Finding]:
        """Report what is set, pointing at what names the pool."""
        yield Finding(fact.place, {"attribute": fact.attribute, "pool": fact.pool.name}, fact.pool.related())
