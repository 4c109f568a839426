"""CEL114 async-helper-masks-runtime-error."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.handing_over import HandingOver, MaskedError
from celery_lint.rule import Finding, Rule, on


class AsyncHelperMasksRuntimeError(Rule):
    """An `except` for a missing event loop also catches what the coroutine itself raises.

    ## Why it matters

    A helper that asks for a running loop and runs the coroutine in the same `try` cannot tell the two errors
    apart. A `RuntimeError` of the coroutine leads to the second way of running it: the coroutine has been
    used up, and what surfaces is *cannot reuse already awaited coroutine* or *This event loop is already
    running*. The real error is only left as its context. Where each way makes a coroutine of its own, the
    work is done twice.

    ## Example

    ```python
    import asyncio

    from celery import shared_task


    def run_anywhere(coroutine):
        try:
            loop = asyncio.get_running_loop()
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)
        except RuntimeError:
            return asyncio.run(coroutine)


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_anywhere(load(pk))
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import shared_task


    def run_anywhere(coroutine):
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_anywhere(load(pk))
    ```

    ## Limits

    Speaks of functions that tasks reach. Silent where the handler raises again in any of its branches, and
    where it does not run a coroutine.

    ## References

    * <https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.get_running_loop>
    """

    code = "CEL114"
    name = "async-helper-masks-runtime-error"
    severity = "warning"
    preset = "strict"
    message = "this `except` also catches RuntimeError of the coroutine, and runs it again or hides it"
    help = "keep only the call that gets the loop inside the `try`, and run the coroutine after it"
    proof = "tests/proofs/test_event_loop.py::test_the_question_for_the_loop_swallows_errors"

    @on(HandingOver.masked)
    def check(self, error: MaskedError) -> Iterator[Finding]:
        """Report the handler, with the run that it encloses."""
        run = (error.module.place(error.run.span), "the coroutine is run here")
        yield Finding(error.module.place(error.handler.span), {}, (run,))
