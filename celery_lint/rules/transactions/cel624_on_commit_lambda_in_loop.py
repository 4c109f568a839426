"""CEL624 on-commit-lambda-in-loop."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.late_bound import LateBound, LateBoundCallbacks
from celery_lint.rule import Finding, Rule, on


class OnCommitLambdaInLoop(Rule):
    """Callbacks of `on_commit` that are made in a loop all see its last item.

    ## Why it matters

    A `lambda` looks its names up when it runs, and that is after the commit, when the loop has ended. With
    ten orders the last one is sent ten times and the others never. Nothing is raised.

    ## Example

    ```python
    from celery import shared_task
    from django.db import transaction


    @shared_task(soft_time_limit=50, time_limit=60)
    def confirm(pk):
        print(pk)


    @transaction.atomic
    def confirm_all(orders):
        for order in orders:
            transaction.on_commit(lambda: confirm.delay(order.pk))
    ```

    ## Use instead

    ```python
    from functools import partial

    from celery import shared_task
    from django.db import transaction


    @shared_task(soft_time_limit=50, time_limit=60)
    def confirm(pk):
        print(pk)


    @transaction.atomic
    def confirm_all(orders):
        for order in orders:
            transaction.on_commit(partial(confirm.delay, order.pk))
    ```

    ## Limits

    Speaks where a transaction is certainly open around the loop: `atomic()` or its decorator in the same
    function, or a query with `select_for_update`, which needs one. Without a transaction the callback runs at
    once, and with `atomic()` inside the loop at the end of each round.

    ## References

    * <https://docs.djangoproject.com/en/stable/topics/db/transactions/#performing-actions-after-commit>
    * <https://docs.python.org/3/faq/programming.html#why-do-lambdas-defined-in-a-loop-with-different-values-all-return-the-same-result>
    """

    code = "CEL624"
    name = "on-commit-lambda-in-loop"
    severity = "error"
    preset = "recommended"
    message = "every callback runs after the loop, with the last `{name}`"
    help = "bind `{name}` now: `transaction.on_commit(partial(function, {name}))`"
    proof = "tests/proofs/test_transactions.py::test_callbacks_run_after_the_loop"

    @on(LateBoundCallbacks.all)
    def check(self, fact: LateBound) -> Iterator[Finding]:
        """Report the call of `on_commit`."""
        related = (
            (fact.loop, "the loop has ended when the callback runs"),
            (fact.transaction, "the transaction that it waits for begins before the loop"),
        )
        yield Finding(fact.place, {"name": fact.name}, related)
