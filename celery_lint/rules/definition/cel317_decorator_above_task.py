"""CEL317 decorator-above-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.layered import HiddenTask, LayeredTasks
from celery_lint.rule import Finding, Rule, on


class DecoratorAboveTask(Rule):
    """A decorator above the task decorator leaves a plain function, which cannot be sent.

    ## Why it matters

    Decorators are applied from below. What stands above `@shared_task` gets the task and gives back a
    function around it, also with `functools.wraps`: `delay()` then raises `AttributeError: 'function' object
    has no attribute 'delay'`. Sent by its name, the task runs without what the decorator adds.

    ## Example

    ```python
    import functools

    from celery import shared_task


    def logged(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            print(args)
            return function(*args, **kwargs)

        return wrapper


    @logged
    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    def ordered(order):
        bill.delay(order)
    ```

    ## Use instead

    ```python
    import functools

    from celery import shared_task


    def logged(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            print(args)
            return function(*args, **kwargs)

        return wrapper


    @shared_task(soft_time_limit=50, time_limit=60)
    @logged
    def bill(order):
        print(order)


    def ordered(order):
        bill.delay(order)
    ```

    ## Limits

    Speaks of decorators that the project wrote, whose inner function calls what it gets and knows nothing of
    tasks, and only where the task is sent by this name. Decorators of other packages are not looked into.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#basics>
    """

    code = "CEL317"
    name = "decorator-above-task"
    severity = "error"
    preset = "recommended"
    message = "`@{decorator}` hides the task: `{how}` raises `AttributeError`"
    help = "move `@{decorator}` below the task decorator, which must be the first"
    proof = "tests/proofs/test_definitions.py::test_a_decorator_above_hides_the_task"

    @on(LayeredTasks.hidden_tasks)
    def check(self, fact: HiddenTask) -> Iterator[Finding]:
        """Report the decorator, pointing at who sends the task."""
        related = ((fact.sent.place, f"`{fact.task.label}` is sent here"),)
        values = {"decorator": fact.decorator, "how": f"{fact.task.label}.{fact.sent.how}()"}
        yield Finding(fact.place, values, related)
