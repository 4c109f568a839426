"""CEL625 on-commit-called-eagerly."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.callbacks import Callbacks, WrongCallback
from celery_lint.rule import Finding, Rule, on


class OnCommitCalledEagerly(Rule):
    """What `on_commit` gets is no function that it can call after the commit.

    ## Why it matters

    `on_commit(confirm.delay(pk))` sends the task at once and then raises `TypeError: on_commit()'s callback
    must be a callable.` `on_commit(confirm.delay)` is called without arguments: a task that needs some raises
    `TypeError` when everything is committed, and is not sent. `on_commit(confirm.delay, pk)` gives it none
    either: the second argument of `on_commit()` is the name of a database, so it raises `TypeError` at once,
    or `ConnectionDoesNotExist`, and nothing is sent.

    ## Example

    ```python
    from celery import shared_task
    from django.db import transaction


    @shared_task(soft_time_limit=50, time_limit=60)
    def confirm(pk):
        print(pk)


    def buy(order):
        transaction.on_commit(confirm.delay(order.pk))
    ```

    ## Use instead

    ```python
    from functools import partial

    from celery import shared_task
    from django.db import transaction


    @shared_task(soft_time_limit=50, time_limit=60)
    def confirm(pk):
        print(pk)


    def buy(order):
        transaction.on_commit(partial(confirm.delay, order.pk))
    ```

    ## Limits

    Of a method that is not called it speaks only where nothing can change what the task takes. A second
    argument that is called as a database may be (`using`, `db_alias`), a string among them, is one.

    ## References

    * <https://docs.djangoproject.com/en/stable/topics/db/transactions/#performing-actions-after-commit>
    """

    code = "CEL625"
    name = "on-commit-called-eagerly"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "this sends `{task}` at once, and `on_commit()` raises TypeError"
    help = "write `transaction.on_commit(partial({task}.{how}, …))`"
    variants = {
        "lacks": (
            "`{task}` is called without `{missing}`, so it raises TypeError after the commit",
            "write `transaction.on_commit(partial({task}.{how}, {missing}))`",
        ),
        "using": (
            "`on_commit()` takes its second argument for a database, and raises at once",
            "write `transaction.on_commit(partial({task}.{how}, …))`",
        ),
        "unknown": (
            "`on_commit()` takes no argument `{missing}`, and raises TypeError at once",
            "write `transaction.on_commit(partial({task}.{how}, {missing}=…))`",
        ),
    }
    proof = "tests/proofs/test_transactions.py::test_on_commit_calls_what_it_gets"

    @on(Callbacks.wrong)
    def check(self, fact: WrongCallback) -> Iterator[Finding]:
        """Report the argument."""
        values = {"task": fact.task, "how": fact.how, "missing": fact.missing}
        is_sent = fact.kind == "sent"
        yield Finding(fact.place, values, (), "" if is_sent else fact.kind, () if is_sent else None)
