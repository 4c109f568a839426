"""CEL658 delay-on-commit-result."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.after_commit import AfterCommit, UsedNothing
from celery_lint.rule import Finding, Rule, on


class DelayOnCommitResult(Rule):
    """What `delay_on_commit()` gives is used as the result of the task.

    ## Why it matters

    The task is sent when the transaction commits, so that there is neither a result nor an id before:
    `delay_on_commit()` returns `None`, and `.id` of it raises `AttributeError: 'NoneType' object has no
    attribute 'id'`, in the transaction, which is rolled back for it.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order_id):
        print(order_id)


    def ordered(order):
        order.task_id = bill.delay_on_commit(order.pk).id
        order.save()
    ```

    ## Use instead

    ```python
    from celery import shared_task, uuid


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order_id):
        print(order_id)


    def ordered(order):
        order.task_id = uuid()
        order.save()
        bill.apply_async_on_commit((order.pk,), task_id=order.task_id)
    ```

    ## Limits

    Looks at attributes of what the call gives, and of a variable that holds it and that no condition asks
    for. Silent where a base class has a `delay_on_commit` of its own, or cannot be seen.

    ## References

    * <https://docs.celeryq.dev/en/stable/django/first-steps-with-django.html#trigger-tasks-at-the-end-of-the-database-transaction>
    """

    code = "CEL658"
    name = "delay-on-commit-result"
    severity = "error"
    preset = "recommended"
    message = "`{method}()` returns `None`: nothing is sent before the commit"
    help = "choose the id yourself: `apply_async_on_commit(…, task_id=celery.uuid())`"
    proof = "tests/proofs/test_transactions.py::test_there_is_no_result_before_the_commit"

    @on(AfterCommit.used)
    def check(self, fact: UsedNothing) -> Iterator[Finding]:
        """Report the call."""
        yield Finding(fact.place, {"method": fact.method})
