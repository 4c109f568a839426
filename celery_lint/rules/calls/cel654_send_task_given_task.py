"""CEL654 send-task-given-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.sent_objects import SentObjects, SentTask
from celery_lint.rule import Finding, Rule, on


class SendTaskGivenTask(Rule):
    """`send_task()` is given a task in place of its name.

    ## Why it matters

    The name stands in the message as it is. A task object cannot: with Redis the call raises
    `TypeError: Object of type bill is not JSON serializable`, with RabbitMQ `FrameSyntaxError`, and nothing
    is sent.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop")


    @app.task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    def ordered(order):
        app.send_task(bill, (order,))
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop")


    @app.task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    def ordered(order):
        bill.delay(order)
    ```

    ## Limits

    Silent where the application has a `send_task` of its own.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.html#celery.Celery.send_task>
    """

    code = "CEL654"
    name = "send-task-given-task"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`send_task()` takes the name of a task: `{task}` itself cannot be sent"
    help = "write `{task}.apply_async(…)`, or pass `{task}.name`"
    proof = "tests/proofs/test_canvas.py::test_a_task_is_no_name"

    @on(SentObjects.tasks_for_names)
    def check(self, fact: SentTask) -> Iterator[Finding]:
        """Report the task, pointing at where it is defined."""
        related = ((fact.task.place, f"task `{fact.task.label}` is defined here"),)
        yield Finding(fact.place, {"task": fact.task.label}, related, fix=("name", "name"))
