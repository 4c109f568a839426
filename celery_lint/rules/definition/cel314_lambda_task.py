"""CEL314 lambda-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.decorated import DecoratedObjects, NoFunction
from celery_lint.rule import Finding, Rule, on

_VARIANTS = {
    "lambda": "",
    "class": "class",
    "task class": "task class",
    "staticmethod": "method",
    "classmethod": "method",
}


class LambdaTask(Rule):
    """A task decorator is put on something that is no function with a name.

    ## Why it matters

    Celery reads the parameters of a task from its function when the application is complete. A lambda has no
    name that it could write down: `SyntaxError: invalid syntax`. A class, and a `staticmethod` or
    `classmethod` below the decorator, have no header: `AttributeError` or `TypeError`. Whatever starts the
    application fails, and so the worker does not start. A class that derives from `Task` can be called: a run
    makes an object of it, and its `run` never runs; as `base=` of another task it is no class any more.
    `register_task` gives back the task: `Export.delay()` works after `Export = app.register_task(Export())`.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)
    double = app.task(lambda x: 2 * x)
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def double(x):
        return 2 * x
    ```

    A static method may be a task if `@staticmethod` stands above the decorator of the task.

    ## Limits

    Speaks of Celery's own decorators. One of the project may make a function of what it gets. Silent of a
    class that derives from `Task` and that nothing sends, schedules, derives from or names.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#basics>
    """

    code = "CEL314"
    name = "lambda-task"
    severity = "error"
    preset = "recommended"
    message = "a lambda cannot be a task: SyntaxError when Celery finalizes the application"
    help = "write a function with `def`"
    variants = {
        "class": (
            "`{name}` is a class: the task decorator fails on it, and the worker does not start",
            "derive it from `celery.Task` and write `{name} = app.register_task({name}())` below it",
        ),
        "task class": (
            "`{name}` is a class: as a task it never calls `run`, and as a base it raises TypeError",
            (
                "remove the decorator (its options are attributes of the class), and write below it "
                "`{name} = app.register_task({name}())` unless it is only a base"
            ),
        ),
        "method": (
            "`{name}` is a `{kind}` below its task decorator: the worker does not start",
            "write `@{kind}` above the decorator of the task",
        ),
    }
    proof = "tests/proofs/test_definitions.py::test_what_cannot_be_built_fails_before_any_run"

    @on(DecoratedObjects.no_functions)
    def check(self, fact: NoFunction) -> Iterator[Finding]:
        """Report the lambda, or the name of what is decorated."""
        yield Finding(fact.place, {"name": fact.name, "kind": fact.kind}, (), _VARIANTS[fact.kind])
