"""CEL322 handler-signature."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.handlers import TaskHandlers, WrongHandler
from celery_lint.rule import Finding, Rule, on


class HandlerSignature(Rule):
    """A handler of a task class takes other arguments than Celery gives it.

    ## Why it matters

    Celery calls the handlers by position. `on_failure` without `einfo` raises `TypeError: on_failure() takes
    5 positional arguments but 6 were given` in the worker: the handler never runs, and only the log tells.
    If it is `before_start`, the task itself does not run.

    ## Example

    ```python
    from celery import Celery, Task

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    class Reported(Task):
        def on_failure(self, exc, task_id, args, kwargs):
            print(task_id, exc)
    ```

    ## Use instead

    ```python
    from celery import Celery, Task

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    class Reported(Task):
        def on_failure(self, exc, task_id, args, kwargs, einfo):
            print(task_id, exc)
    ```

    ## Limits

    The number counts, the names are free. Silent for a handler with a decorator, and in classes that do not
    certainly derive from `celery.Task`.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#handlers>
    """

    code = "CEL322"
    name = "handler-signature"
    severity = "error"
    preset = "recommended"
    message = "`{handler}` raises TypeError: Celery gives it other arguments, so it never runs"
    help = "write `def {handler}(self, {given})`"
    variants = {
        "task": (
            "`{handler}` raises TypeError: Celery gives it other arguments, so no task runs",
            "write `def {handler}(self, {given})`",
        ),
    }
    proof = "tests/proofs/test_definitions.py::test_handlers_are_called_by_position"

    @on(TaskHandlers.wrong)
    def check(self, fact: WrongHandler) -> Iterator[Finding]:
        """Report the handler."""
        values = {"handler": fact.name, "given": ", ".join(fact.given)}
        yield Finding(fact.place, values, (), "task" if fact.name == "before_start" else "")
