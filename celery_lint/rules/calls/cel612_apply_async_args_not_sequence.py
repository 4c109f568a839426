"""CEL612 apply-async-args-not-sequence."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.argument_shapes import ArgumentShapes, WrongShape
from celery_lint.rule import Finding, Rule, on


class ApplyAsyncArgsNotSequence(Rule):
    """`apply_async` is given something that is no tuple of arguments, or arguments one by one.

    ## Why it matters

    `apply_async(args, kwargs)` takes a tuple or list, and a dictionary. `(3)` is no tuple but a number:
    `TypeError: argument after * must be an iterable, not int`. A text, a set, a dictionary or a generator is
    refused with `TypeError: task args must be a list or tuple`. In `apply_async(order, 3)` the second one is
    taken for the dictionary: `TypeError: argument after ** must be a mapping, not int`.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    def ordered():
        bill.apply_async((3))
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    def ordered():
        bill.apply_async((3,))
    ```

    ## Limits

    Looks at what is written at the call, and at parameters of the function that say they are numbers or
    texts. A variable in parentheses may well be a tuple. Silent where a class of tasks has its own
    `apply_async`.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.apply_async>
    """

    code = "CEL612"
    name = "apply-async-args-not-sequence"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`{call}` raises `TypeError`: its arguments must be a list or tuple"
    help = "write `{call}` with a tuple: `(argument,)`"
    variants = {
        "spread": (
            "`{call}` raises `TypeError: argument after ** must be a mapping`",
            "put all arguments in one tuple: `((first, second),)`, or use `delay(first, second)`",
        ),
    }
    proof = "tests/proofs/test_calls.py::test_arguments_are_a_tuple_and_a_mapping"

    @on(ArgumentShapes.wrong)
    def check(self, fact: WrongShape) -> Iterator[Finding]:
        """Report what is given."""
        values = {"call": f"{fact.sending.how}()"}
        if fact.spread:
            yield Finding(fact.place, values, (), "spread")
        else:
            yield Finding(fact.place, values, fix=())
