"""CEL623 dispatch-inside-transaction."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.sent_before_commit import SentBeforeCommit, SentBeforeCommits
from celery_lint.rule import Cause, Finding, Rule, on

_BEGINS = "the transaction begins here"


class DispatchInsideTransaction(Rule):
    """A task is sent before the transaction that writes for it commits.

    ## Why it matters

    The message leaves at once, the rows when the transaction ends. A worker that is quicker reads what was
    there before, or fails with `Order.DoesNotExist: Order matching query does not exist`; and where the
    transaction is rolled back the task runs all the same.

    ## Example

    ```python
    from celery import shared_task
    from django.db import transaction
    from shop.models import Order


    @shared_task(soft_time_limit=50, time_limit=60)
    def confirm(pk):
        print(Order.objects.get(pk=pk))


    @transaction.atomic
    def buy(basket):
        order = Order.objects.create(basket=basket)
        confirm.delay(order.pk)
    ```

    ## Use instead

    ```python
    from functools import partial

    from celery import shared_task
    from django.db import transaction
    from shop.models import Order


    @shared_task(soft_time_limit=50, time_limit=60)
    def confirm(pk):
        print(Order.objects.get(pk=pk))


    @transaction.atomic
    def buy(basket):
        order = Order.objects.create(basket=basket)
        transaction.on_commit(partial(confirm.delay, order.pk))
    ```

    From Celery 5.4 on the tasks of a Django project also have `confirm.delay_on_commit(order.pk)`, unless
    they derive from a class of their own.

    ## Limits

    Looks at transactions and writes of the same function: `with transaction.atomic()`, the decorator, and
    context managers of the project that hold one. Where the row is written and the task told of it, also
    at transactions of callers, through three calls, and at that of a request: if all settings but those
    for development say `ATOMIC_REQUESTS: True` for the default database, where no variable decides it, a
    view runs in one (a function or class of Django, the REST framework or Ninja; not under
    `non_atomic_requests`). Silent where code asks for `in_atomic_block`. A task that several places of
    one file send in this way is told once, where the first of them names the row that it has written.
    Silent where nothing is written before, for messages with `countdown` or `eta`, and for tasks whose
    class has its own `delay` or `apply_async` or cannot be seen. A task of which all can be seen and that
    asks no database is told only where something that may fail comes after it in the transaction. A row
    of which the task gets only a text to show (`order.title`) is not named as what it reads; nor is one
    of which it gets the key of another row alone (`payment.order_id`), to look for rows of another model,
    where nothing that it runs names the model of the first. Silent in a branch of a plain function that
    none of its calls comes to (`if kind == "parcel":`, where all give another kind).

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#database-transactions>
    * <https://docs.djangoproject.com/en/stable/topics/db/transactions/#performing-actions-after-commit>
    """

    code = "CEL623"
    name = "dispatch-inside-transaction"
    severity = "warning"
    preset = "recommended"
    message = "`{task}` is sent before the transaction commits, and also if it is rolled back"
    help = "write `transaction.on_commit(partial({task}.{how}, …))`"
    variants = {
        "told": (
            "`{task}` is sent before `{row}` is committed: DoesNotExist, or old data",
            "write `transaction.on_commit(partial({task}.{how}, …))`: workers see `{row}` after the commit",
        ),
        "existed": (
            "`{task}` is sent before `{row}` is committed: a quick worker reads the old row",
            "write `transaction.on_commit(partial({task}.{how}, …))`: workers see `{row}` after the commit",
        ),
    }
    of_senders = True
    proof = "tests/proofs/test_transactions.py::test_a_worker_does_not_see_what_is_not_committed"
    fixable = "unsafe"

    @on(SentBeforeCommits.all)
    def check(self, fact: SentBeforeCommit) -> Iterator[Finding]:
        """Report the call that sends the task."""
        values = {"task": fact.task.label, "how": fact.sending.how, "row": fact.name}
        begins = "each request runs in a transaction" if fact.transaction.of_request else _BEGINS
        related = [
            (fact.transaction.place, begins),
            (fact.written, "what is written here is not committed yet"),
        ]
        variant = "existed" if fact.existed else "told" if fact.name else ""
        cause = Cause((fact.sending.place.path, fact.task.key), 0 if fact.name else 1)
        yield Finding(fact.sending.place, values, tuple(related), variant, (), cause, (fact.task,))
