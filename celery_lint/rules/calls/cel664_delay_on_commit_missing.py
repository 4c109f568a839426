"""CEL664 delay-on-commit-missing."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.after_commit import AfterCommit, MissingMethod
from celery_lint.rule import Finding, Rule, on


class DelayOnCommitMissing(Rule):
    """`delay_on_commit` is called on a task whose own base class does not have it.

    ## Why it matters

    Celery gives `delay_on_commit` and `apply_async_on_commit` to the tasks of a Django project by their
    class, `celery.contrib.django.task.DjangoTask`. A task with a base class of its own that derives from
    `celery.Task` is none of these: `AttributeError: 'bill' object has no attribute 'delay_on_commit'`.

    ## Example

    ```python
    from celery import Task, shared_task


    class Reporting(Task):
        def on_failure(self, exc, task_id, args, kwargs, einfo):
            print(exc)


    @shared_task(base=Reporting, soft_time_limit=50, time_limit=60)
    def bill(order_id):
        print(order_id)


    def ordered(order):
        order.save()
        bill.delay_on_commit(order.pk)
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from celery.contrib.django.task import DjangoTask


    class Reporting(DjangoTask):
        def on_failure(self, exc, task_id, args, kwargs, einfo):
            print(exc)


    @shared_task(base=Reporting, soft_time_limit=50, time_limit=60)
    def bill(order_id):
        print(order_id)


    def ordered(order):
        order.save()
        bill.delay_on_commit(order.pk)
    ```

    ## Limits

    Silent where the base class derives from anything that cannot be seen, or from the application's own
    `app.Task`, which Celery replaces in a Django project.

    ## References

    * <https://docs.celeryq.dev/en/stable/django/first-steps-with-django.html#trigger-tasks-at-the-end-of-the-database-transaction>
    """

    code = "CEL664"
    name = "delay-on-commit-missing"
    severity = "error"
    preset = "recommended"
    message = "`AttributeError`: the class of `{task}` has no `{method}`"
    help = "derive its base class from `celery.contrib.django.task.DjangoTask`"
    proof = "tests/proofs/test_transactions.py::test_only_tasks_of_django_wait_for_a_commit"

    @on(AfterCommit.missing)
    def check(self, fact: MissingMethod) -> Iterator[Finding]:
        """Report the call, pointing at the class."""
        values = {"task": fact.task.label, "method": fact.method}
        yield Finding(fact.place, values, ((fact.base, "this class derives from `celery.Task`"),))
