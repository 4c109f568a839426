"""CEL125 async-signal-handler."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.async_handlers import AsyncHandler, AsyncHandlers
from celery_lint.rule import Finding, Rule, on


class AsyncSignalHandler(Rule):
    """An `async def` is a signal handler or a hook of a task class, which Celery calls and does not await.

    ## Why it matters

    Celery calls the handlers of its signals and the hooks of task classes (`on_failure`, `on_success`,
    `on_retry`, `before_start`, `after_return`) like plain functions and drops what they return. Of an
    `async def` that is a coroutine: its body never runs, no error is raised, and the log has at most a
    *never awaited* warning.

    ## Example

    ```python
    from celery.signals import task_failure


    @task_failure.connect
    async def report(sender=None, **kwargs):
        print(sender)
    ```

    ## Use instead

    ```python
    from celery.signals import task_failure


    @task_failure.connect
    def report(sender=None, **kwargs):
        print(sender)
    ```

    ## Limits

    Silent in projects with a worker pool that awaits tasks, and for handlers whose decorators may have made
    a plain function of them.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/signals.html>
    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#handlers>
    """

    code = "CEL125"
    name = "async-signal-handler"
    severity = "error"
    preset = "recommended"
    message = "Celery calls `{function}` and does not await it: its body never runs"
    help = "write `def {function}(…)`, and run the coroutine from it"
    proof = "tests/proofs/test_event_loop.py::test_nobody_awaits_a_coroutine_handler"

    @on(AsyncHandlers.handlers)
    def check(self, handler: AsyncHandler) -> Iterator[Finding]:
        """Report each of them, where it is defined or connected."""
        yield Finding(handler.place, {"function": handler.function.name})
