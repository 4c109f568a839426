"""CEL627 dispatch-in-signal-handler."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.receivers import Receivers, SentByReceiver
from celery_lint.rule import Finding, Rule, on


class DispatchInSignalHandler(Rule):
    """A receiver of a signal sends a task before what it is told of can be seen.

    ## Why it matters

    Django sends `m2m_changed` within a transaction of its own, and `pre_save` before it writes the row. A
    worker that is quicker reads the relations, or the row, as they were before: `DoesNotExist`, or old data.

    ## Example

    ```python
    from celery import shared_task
    from django.db.models.signals import m2m_changed
    from django.dispatch import receiver
    from shop.models import Order


    @shared_task(soft_time_limit=50, time_limit=60)
    def count(pk):
        print(pk)


    @receiver(m2m_changed, sender=Order.labels.through)
    def changed(instance, **kwargs):
        count.delay(instance.pk)
    ```

    ## Use instead

    ```python
    from functools import partial

    from celery import shared_task
    from django.db import transaction
    from django.db.models.signals import m2m_changed
    from django.dispatch import receiver
    from shop.models import Order


    @shared_task(soft_time_limit=50, time_limit=60)
    def count(pk):
        print(pk)


    @receiver(m2m_changed, sender=Order.labels.through)
    def changed(instance, **kwargs):
        transaction.on_commit(partial(count.delay, instance.pk))
    ```

    ## Limits

    Judges `m2m_changed` and `pre_save`. After `post_save` the row may be committed or not: that depends on
    who saves it. Silent for messages with `countdown` or `eta`, and where the class of the task may wait for
    the commit.

    ## References

    * <https://docs.djangoproject.com/en/stable/ref/signals/#m2m-changed>
    * <https://docs.djangoproject.com/en/stable/topics/db/transactions/#performing-actions-after-commit>
    """

    code = "CEL627"
    name = "dispatch-in-signal-handler"
    severity = "warning"
    preset = "strict"
    message = "`{task}` is sent before the change of the relation is committed: it sees old data"
    help = "write `transaction.on_commit(partial({task}.{how}, …))`"
    variants = {
        "before": (
            "`{task}` is sent by `pre_save`, before the row is written",
            "receive `post_save`, and write `transaction.on_commit(partial({task}.{how}, …))`",
        ),
    }
    proof = "tests/proofs/test_transactions.py::test_receivers_run_before_the_commit"

    @on(Receivers.sent)
    def check(self, fact: SentByReceiver) -> Iterator[Finding]:
        """Report the call that sends the task."""
        values = {"task": fact.task.label, "how": fact.sending.how}
        related = ((fact.registered, f"`{fact.signal}` is received here"),)
        variant = "before" if fact.signal == "pre_save" else ""
        yield Finding(fact.sending.place, values, related, variant, runs=(fact.task,))
