"""CEL666 plain-function-sent."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.plain_functions import PlainFunction, PlainFunctions
from celery_lint.rule import Cause, Finding, Rule, on


class PlainFunctionSent(Rule):
    """A function that is no task is sent as if it were one.

    ## Why it matters

    Only the decorator gives a function `delay`, `apply_async` and `s`. Without one, or where a view has the
    name of the task that it sends, the call fails each time it is reached: `AttributeError: 'function' object
    has no attribute 'delay'`. In a callback of `on_commit` that goes to whoever has committed, and the
    callbacks after it are not called.

    ## Example

    ```python
    def process(order):
        print(order)


    def ordered(order):
        process.delay(order)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def process(order):
        print(order)


    def ordered(order):
        process.delay(order)
    ```

    ## Limits

    Speaks where the name means a function at the top of a module of the project, and nothing else: without
    decorators, or with those of views (Django, its REST framework, Flask, FastAPI). Silent where the code
    asks for the method (`hasattr`), expects an `AttributeError`, or calls the function itself when sending
    fails.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#basics>
    """

    code = "CEL666"
    name = "plain-function-sent"
    severity = "error"
    preset = "recommended"
    message = "`{name}.{method}()` raises `AttributeError`: a plain function is no task"
    help = "make it a task: `@shared_task`"
    variants = {
        "coroutine": (
            "`{name}.{method}()` raises `AttributeError`: an `async def` is no task",
            "send a task that runs it: `@shared_task`, and in it `asyncio.run({name}(...))`",
        ),
        "sender": (
            "`{name}.{method}()` raises `AttributeError`: this function sends a task, and is none",
            "call it: `{name}(...)`",
        ),
        "hides": (
            "`{name}.{method}()` raises `AttributeError`: this function hides the task",
            "give the function another name than the task that it sends",
        ),
    }
    of_senders = True
    proof = "tests/proofs/test_calls.py::test_a_function_is_no_task"

    @on(PlainFunctions.sent)
    def check(self, fact: PlainFunction) -> Iterator[Finding]:
        """Report the call, pointing at the function."""
        related = ((fact.function, "the function"),)
        values = {"name": fact.name, "method": fact.method}
        if fact.hides:
            yield Finding(fact.place, values, related, "hides")
        else:
            variant = "sender" if fact.sends else "coroutine" if fact.is_async else ""
            yield Finding(fact.place, values, related, variant, cause=Cause(fact.function))
