"""CEL650 immutable-signature-arguments."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.immutable import ImmutableSignatures, LostArguments
from celery_lint.rule import Finding, Rule, on


class ImmutableSignatureArguments(Rule):
    """An immutable signature is sent with arguments.

    ## Why it matters

    `.si()` makes a signature that takes nothing more: that is what it is for. What `delay()` or
    `apply_async()` gives it on top is dropped without a word, and the task runs with what the signature was
    made with, or fails for what it lacks.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order, currency="EUR"):
        print(order, currency)


    def ordered(order):
        bill.si(order).delay(currency="CHF")
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order, currency="EUR"):
        print(order, currency)


    def ordered(order):
        bill.si(order, currency="CHF").delay()
    ```

    ## Limits

    Looks at signatures that are made by `.si()` in the same function. Silent where the function makes any
    signature mutable again.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#immutability>
    """

    code = "CEL650"
    name = "immutable-signature-arguments"
    severity = "error"
    preset = "recommended"
    message = "the arguments of `{method}()` are lost: a signature of `{task}.si()` takes none"
    help = "give them to `.si()`, or make the signature by `.s()`"
    proof = "tests/proofs/test_outcomes.py::test_an_immutable_signature_takes_nothing_more"

    @on(ImmutableSignatures.given_more)
    def check(self, fact: LostArguments) -> Iterator[Finding]:
        """Report the call."""
        yield Finding(fact.sending.place, {"method": fact.sending.how, "task": fact.task.label})
