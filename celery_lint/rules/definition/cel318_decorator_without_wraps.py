"""CEL318 decorator-without-wraps."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.layered import LayeredTasks, SharedName
from celery_lint.rule import Finding, Rule, on


class DecoratorWithoutWraps(Rule):
    """A decorator below the task decorator hides the names of several tasks, and one of them runs for all.

    ## Why it matters

    Celery makes the name of a task of the module and the name of the function that it gets. Without
    `functools.wraps` both are those of the decorator's own function, `shop.tools.wrapper`, whatever it stands
    around. Celery keeps one task for a name: each of the others runs that one's body when it is sent.

    ## Example

    ```python
    from celery import shared_task


    def logged(function):
        def wrapper(*args, **kwargs):
            print(args)
            return function(*args, **kwargs)

        return wrapper


    @shared_task(soft_time_limit=50, time_limit=60)
    @logged
    def bill(order):
        print("bill", order)


    @shared_task(soft_time_limit=50, time_limit=60)
    @logged
    def ship(order):
        print("ship", order)
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
        print("bill", order)


    @shared_task(soft_time_limit=50, time_limit=60)
    @logged
    def ship(order):
        print("ship", order)
    ```

    ## Limits

    Speaks of decorators that the project wrote and that two tasks without a `name=` have. Silent where the
    decorator sets a name itself, or hands its function to something that may.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#names>
    """

    code = "CEL318"
    name = "decorator-without-wraps"
    severity = "error"
    preset = "recommended"
    message = "{count} tasks get the name `{name}`: all but one never run"
    help = "put `@functools.wraps(…)` above this function in `{decorator}`"
    proof = "tests/proofs/test_definitions.py::test_a_decorator_without_wraps_hides_names"

    @on(LayeredTasks.shared_names)
    def check(self, fact: SharedName) -> Iterator[Finding]:
        """Report the decorator's function, pointing at the tasks."""
        related = tuple([(task.place, f"task `{task.label}` has this name") for task in fact.tasks[:2]])
        values = {"count": len(fact.tasks), "name": fact.name, "decorator": fact.decorator}
        yield Finding(fact.place, values, related)
