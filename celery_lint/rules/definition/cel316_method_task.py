"""CEL316 method-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.decorated import DecoratedObjects, TaskInClass
from celery_lint.rule import Finding, Rule, on


class MethodTask(Rule):
    """A method is a task, and nobody gives it its object.

    ## Why it matters

    What stands in the class is a task and no method: `mailer.send.delay(to)` sends `to` and nothing else.
    `self` is a parameter like any other, and the call raises `TypeError: Mailer.send() missing 1 required
    positional argument`, or takes the first argument for the object.

    ## Example

    ```python
    from celery import shared_task


    class Mailer:
        @shared_task(soft_time_limit=50, time_limit=60)
        def send(self, to):
            print(to)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def send(to):
        print(to)
    ```

    ## Limits

    Silent where the task is bound (`self` is the task then, and not the object), where another decorator
    stands above or below, and where options come from `**`.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#basics>
    """

    code = "CEL316"
    name = "method-task"
    severity = "error"
    preset = "recommended"
    even_unsent = "no call of it can succeed, whoever calls it"
    message = "`{task}` is a method that gets no `self`, so every call raises TypeError"
    help = "define it outside of `{owner}`, or write `@staticmethod` above its decorator and no `self`"
    proof = "tests/proofs/test_definitions.py::test_nobody_gives_a_method_its_object"

    @on(DecoratedObjects.methods)
    def check(self, fact: TaskInClass) -> Iterator[Finding]:
        """Report the method."""
        task = fact.task.label.rpartition(".")[2]
        yield Finding(fact.place, {"task": task, "owner": fact.owner})
