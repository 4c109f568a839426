"""CEL319 generator-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.decorated import DecoratedObjects, YieldingTask
from celery_lint.rule import Finding, Rule, on


class GeneratorTask(Rule):
    """A task yields, and so never runs.

    ## Why it matters

    To call a generator runs nothing of it. Celery calls the task and goes through nothing: with a result
    backend the task fails with `EncodeError: Object of type generator is not JSON serializable`, without one
    it counts as done, and none of its lines has run.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def export(pks):
        for pk in pks:
            yield pk
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def export(pks):
        for pk in pks:
            print(pk)
    ```

    ## Limits

    Silent where a decorator below, or the class of the task, may go through what it yields.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#basics>
    """

    code = "CEL319"
    name = "generator-task"
    severity = "error"
    preset = "recommended"
    message = "`{task}` is a generator: Celery never runs its body"
    help = "`return` a list, or `yield` in a helper that `{task}` iterates over"
    proof = "tests/proofs/test_definitions.py::test_nobody_goes_through_a_generator"

    @on(DecoratedObjects.generators)
    def check(self, fact: YieldingTask) -> Iterator[Finding]:
        """Report the function."""
        yield Finding(fact.place, {"task": fact.task.label})
