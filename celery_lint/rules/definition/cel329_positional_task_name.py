"""CEL329 positional-task-name."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.decorated import DecoratedObjects, PositionalName
from celery_lint.rule import Finding, Rule, on


class PositionalTaskName(Rule):
    """A task decorator is given the name of the task by its position.

    ## Why it matters

    Celery takes the first argument for the function. The module cannot be imported: `TypeError: argument 1 to
    @task() must be a callable`.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task("shop.pull")
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task(name="shop.pull")
    def pull():
        return 1
    ```

    ## Limits

    Speaks of Celery's own decorators; those of projects and libraries may take a name.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#names>
    """

    code = "CEL329"
    name = "positional-task-name"
    severity = "error"
    preset = "recommended"
    even_unsent = "the import of the module fails"
    fixable = "safe"
    message = "`{task}` stands where the function is expected: TypeError at the import"
    help = "write `name=` before it"
    proof = "tests/proofs/test_definitions.py::test_what_cannot_be_built_fails_before_any_run"

    @on(DecoratedObjects.positional_names)
    def check(self, fact: PositionalName) -> Iterator[Finding]:
        """Report the text."""
        yield Finding(fact.place, {"task": fact.name}, fix=())
