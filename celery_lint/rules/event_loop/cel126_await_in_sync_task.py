"""CEL126 await-in-sync-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.stray_awaits import StrayAwait, StrayAwaits
from celery_lint.rule import Finding, Rule, on


class AwaitInSyncTask(Rule):
    """An `await` stands in a plain `def` of a module that defines tasks.

    ## Why it matters

    Python refuses to compile such a module: *'await' outside async function*. The worker cannot import it,
    and none of its tasks is registered. Parsers accept the code, so editors and formatters may say nothing.

    ## Example

    ```python
    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return await load(pk)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(load)(pk)
    ```

    ## Limits

    Only in modules that define tasks, and once a function, however many awaits it has. Silent of a module
    that nothing imports. That of an async engine's `dispose()` is told by `dispose-outside-coroutine`, and
    what Python refuses before it by `worker-import-refused`. pylint's own `await-outside-async` (E1142)
    says the same of any module.

    ## References

    * <https://docs.python.org/3/reference/expressions.html#await-expression>
    """

    code = "CEL126"
    name = "await-in-sync-task"
    severity = "error"
    preset = "recommended"
    even_unsent = "Python does not compile the file"
    message = "`{keyword}` in the plain function `{function}`: SyntaxError when the module is imported"
    help = "move it into an `async def` and run that from the task"
    proof = "tests/proofs/test_event_loop.py::test_await_in_a_plain_function_does_not_compile"

    @on(StrayAwaits.all)
    def check(self, stray: StrayAwait) -> Iterator[Finding]:
        """Report each function once, at its first ``await``: the others need the same edit."""
        if not stray.of_engine:
            name = stray.fact.function.rpartition("/")[2]
            place = stray.module.place(stray.fact.span)
            others = [
                (stray.module.place(other.span), f"`{other.keyword}` here too") for other in stray.others
            ]
            yield Finding(place, {"keyword": stray.fact.keyword, "function": name}, tuple(others[:3]))
