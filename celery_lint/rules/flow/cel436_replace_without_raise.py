"""CEL436 replace-without-raise."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.task_state import Replacement, TaskState
from celery_lint.rule import Finding, Rule, on


class ReplaceWithoutRaise(Rule):
    """A call of `replace` ends the task, and the line does not show it.

    ## Why it matters

    `replace` sends the other task in place of this one and raises `Ignore` by itself: nothing after it
    runs. A reader, a type checker and a linter see a call that returns. `raise self.replace(...)` says the
    same and shows it. Nothing is broken without the word.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def large(path):
        return path


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def convert(self, path, size):
        if size > 1000:
            self.replace(large.s(path))
        return path
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def large(path):
        return path


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def convert(self, path, size):
        if size > 1000:
            raise self.replace(large.s(path))
        return path
    ```

    ## Limits

    `return self.replace(...)` is left alone, and so is a call in a `try` that catches `Ignore`.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.replace>
    """

    code = "CEL436"
    name = "replace-without-raise"
    severity = "advice"
    preset = "house"
    fixable = "safe"
    proof = "convention"
    message = "`replace()` raises: nothing after it runs, and this line does not show that"
    help = "write `raise` before it, so that the reader sees where the task ends"

    @on(TaskState.replacements)
    def check(self, fact: Replacement) -> Iterator[Finding]:
        """Report a call that is a statement of its own."""
        yield Finding(fact.place, fix=())
