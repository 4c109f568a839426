"""CEL648 errback-arity."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.errbacks import Errbacks, UnfitErrback
from celery_lint.rule import Cause, Finding, Rule, on


class ErrbackArity(Rule):
    """An errback does not take what it is called with.

    ## Why it matters

    Celery counts the parameters of an errback. One with several that is not bound is called on the spot, in
    the worker of the task that failed, as `errback(request, exc, traceback)`. Any other is sent as a task,
    and all that it gets is the id of the task that failed. If it has other parameters, it ends with a
    `TypeError`, in the log of a worker, just when something has gone wrong and it was needed.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    @shared_task(soft_time_limit=50, time_limit=60)
    def told(exc, traceback):
        print(f"no bill: {exc}")


    def ordered(order):
        bill.apply_async((order,), link_error=told.s())
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    @shared_task(soft_time_limit=50, time_limit=60)
    def told(request, exc, traceback):
        print(f"no bill: {exc}")


    def ordered(order):
        bill.apply_async((order,), link_error=told.s())
    ```

    ## Limits

    Looks at signatures that are made where they are handed to `link_error` or `on_error`. Silent where they
    hold arguments of their own by position, which only Celery 5.7 hands on, where the errback takes `*args`,
    and of immutable ones (`.si()`), which get nothing. Told once for an errback, with the other places that
    hand it over.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#linking-callbacks-errbacks>
    """

    code = "CEL648"
    name = "errback-arity"
    severity = "error"
    preset = "recommended"
    message = "errback `{task}` fails: it is called with `(request, exc, traceback)`"
    help = "let it take these three, or the id of the failed task alone"
    variants = {
        "id": (
            "errback `{task}` fails: all that it gets is the id of the failed task",
            "let it take one argument, or without `bind` these three: `(request, exc, traceback)`",
        )
    }
    proof = "tests/proofs/test_outcomes.py::test_what_errbacks_are_given"

    @on(Errbacks.unfit)
    def check(self, fact: UnfitErrback) -> Iterator[Finding]:
        """Report the first signature of an errback, pointing at its task."""
        related = ((fact.task.place, f"`{fact.error}`"),)
        variant = "" if fact.given == "request" else "id"
        yield Finding(
            fact.sending.place,
            {"task": fact.task.label},
            related,
            variant,
            cause=Cause(fact.task.key),
            runs=(fact.task,),
        )
