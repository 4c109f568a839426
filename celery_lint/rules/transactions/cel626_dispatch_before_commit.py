"""CEL626 dispatch-before-commit."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.session_commits import SentBeforeSessionCommit, SessionCommits
from celery_lint.rule import Cause, Finding, Rule, on


class DispatchBeforeCommit(Rule):
    """A task is sent before the session commits the row that it is told of.

    ## Why it matters

    `flush()` writes the row into the transaction and gives it its key; others see it after `commit()`. A
    worker that is quicker finds nothing: `NoResultFound: No row was found when one was required`, or
    `AttributeError: 'NoneType' object has no attribute ...` where the query gives `None`.

    ## Example

    ```python
    from celery import shared_task
    from shop.database import session
    from shop.models import Order


    @shared_task(soft_time_limit=50, time_limit=60)
    def confirm(pk):
        print(session.get(Order, pk))


    def buy(basket):
        order = Order(basket=basket)
        session.add(order)
        session.flush()
        confirm.delay(order.id)
        session.commit()
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from shop.database import session
    from shop.models import Order


    @shared_task(soft_time_limit=50, time_limit=60)
    def confirm(pk):
        print(session.get(Order, pk))


    def buy(basket):
        order = Order(basket=basket)
        session.add(order)
        session.commit()
        confirm.delay(order.id)
    ```

    ## Limits

    In one function a new row is made and given to the session, or comes from a function or a method of an
    object (`await orders.create(…)`) that has done so and commits nothing, and the task is sent with
    something of it, there or by a function that is called there. The same session commits below, at the end
    of the block or of the FastAPI dependency that gives it, or so in a caller that hands it on. Silent where
    what is called between may commit, for messages with `countdown` or `eta`, where the class of the task may
    wait for the commit, and where the key of the row stands under a name of a dictionary (`{"order_id":
    order.id}`) of which nothing speaks that the task runs: such a task only shows it or writes it down.
    Silent as well where all that the task runs is in sight and asks no database, and where it gets nothing
    but texts of the row that it looks for nothing with (`mail.delay(user.email, note.title)`).

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/session_basics.html#flushing>
    """

    code = "CEL626"
    name = "dispatch-before-commit"
    severity = "warning"
    preset = "recommended"
    message = "`{task}` is sent before `{row}` is committed, so it may not find the row"
    help = "send it after the `commit()`"
    variants = {
        "ended": (
            "`{task}` is sent before `{row}` is committed, so it may not find the row",
            "call `commit()` before it is sent, or send it after the block that commits",
        ),
        "begun": (
            "`{task}` is sent before `{row}` is committed, so it may not find the row",
            "send it after the block of `begin()`, which commits at its end",
        ),
    }
    proof = "tests/proofs/test_transactions.py::test_a_worker_does_not_see_what_is_not_committed"

    @on(SessionCommits.sent_before)
    def check(self, fact: SentBeforeSessionCommit) -> Iterator[Finding]:
        """Report the call that sends the task."""
        commit = "this commits at its end" if fact.ended else "it is committed here"
        related = [(fact.given, "the session is given the row"), (fact.commit, commit)]
        if fact.place != fact.sending.place:
            related.insert(1, (fact.sending.place, "the task is sent here"))
        values = {"task": fact.task.label, "row": fact.name}
        variant = "begun" if fact.begun else "ended" if fact.ended else ""
        cause = Cause((fact.given, fact.commit))  # one commit that moves mends all that is sent before it
        yield Finding(fact.place, values, tuple(related), variant, cause=cause, runs=(fact.task,))
