"""CEL435 progress-every-item."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.task_state import TaskState, UnthrottledProgress
from celery_lint.rule import Finding, Rule, on


class ProgressEveryItem(Rule):
    """A task stores its progress for every item of a loop.

    ## Why it matters

    Each `update_state` is a round trip to the result backend. For thousands of short items that is most of
    the work, and no reader looks that often. For a few long ones it is right, which the linter cannot tell:
    the rule is in no preset but `all`.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def total(self, rows):
        found = 0
        for index, row in enumerate(rows):
            found += row
            self.update_state(state="PROGRESS", meta={"done": index})
        return found
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def total(self, rows):
        found = 0
        for index, row in enumerate(rows):
            found += row
            if index % 100 == 0:
                self.update_state(state="PROGRESS", meta={"done": index})
        return found
    ```

    ## Limits

    Only `for` loops, and calls under no condition inside the loop. A helper that counts for itself is not
    looked into.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#custom-states>
    """

    code = "CEL435"
    name = "progress-every-item"
    severity = "advice"
    preset = "all"
    proof = "convention"
    message = "every item of the loop writes its progress to the result backend"
    help = "report every hundredth item, or once a second"

    @on(TaskState.unthrottled)
    def check(self, fact: UnthrottledProgress) -> Iterator[Finding]:
        """Report the call, pointing at the loop."""
        loop = fact.state.module.place(fact.loop.span)
        yield Finding(fact.state.place, {}, ((loop, "once for every item of this loop"),))
