"""CEL124 run-async-given-function."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.coroutine_runs import CoroutineRuns, GivenFunction
from celery_lint.rule import Finding, Rule, on


class RunAsyncGivenFunction(Rule):
    """A coroutine function is handed over where its coroutine is needed.

    ## Why it matters

    `asyncio.run(execute)` fails with *a coroutine was expected*, `run_until_complete(execute)` and
    `run_coroutine_threadsafe(execute, loop)` with a `TypeError`. The parentheses are missing, and the call
    never works. Nor does `asyncio.run(load(pk))` where `load` is a plain function that gives a dictionary, or
    has run its coroutine already: *a coroutine was expected, got {…}*.

    ## Example

    ```python
    import asyncio

    from celery import shared_task

    loop = None


    async def execute():
        return 1


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh():
        return asyncio.run_coroutine_threadsafe(execute, loop).result()
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import shared_task

    loop = None


    async def execute():
        return 1


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh():
        return asyncio.run_coroutine_threadsafe(execute(), loop).result()
    ```

    ## Limits

    In functions that tasks reach. The functions of asyncio that take a coroutine, and helpers of the
    project that do nothing else with a parameter than to run it. Of what plain functions give it speaks where
    each of their `return`s shows a literal, `None`, or what a run of a coroutine gives. Silent for
    `async_to_sync`, `anyio.run` and `trio.run`, which take a function, for helpers that call their parameter,
    test it or annotate it as `Callable`, and in a `try` with a handler for `TypeError` or `ValueError`.

    ## References

    * <https://docs.python.org/3/library/asyncio-runner.html#asyncio.run>
    """

    code = "CEL124"
    name = "run-async-given-function"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`{runner}()` fails: it gets the function `{function}`, not the coroutine `{function}()`"
    help = "call it: `{function}()`"
    variants = {
        "plain": (
            "`{runner}()` fails: the plain function `{function}` gives it no coroutine",
            "call `{function}()` without `{runner}`, or make it an `async def`",
        ),
    }
    proof = "tests/proofs/test_event_loop.py::test_a_function_is_no_coroutine"

    @on(CoroutineRuns.given)
    def check(self, given: GivenFunction) -> Iterator[Finding]:
        """Report each call that is given one."""
        values = {"runner": given.taker, "function": given.name}
        if given.made is None:
            yield Finding(given.place, values, fix=(given.name,))
        else:
            related = ((given.made, f"`{given.name}` is defined here, without `async`"),)
            yield Finding(given.place, values, related, "plain")
