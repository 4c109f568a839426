"""CEL312 bind-without-self."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.binding import Binding, Misbound
from celery_lint.rule import Finding, Rule, on


class BindWithoutSelf(Rule):
    """A task is bound, and its function has no parameter for the task.

    ## Why it matters

    `bind=True` puts the task itself in front of the arguments. A function that takes none fails in every
    run: `TypeError: pull() takes 0 positional arguments but 1 was given`.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def pull(self):
        return 1
    ```

    ## Limits

    Silent for a function with any positional parameter, whatever that is called, or with `*args`; where
    another decorator stands between; where the class of the task or of its application cannot be seen.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#bound-tasks>
    """

    code = "CEL312"
    name = "bind-without-self"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`{task}` is bound and takes no `self`, so every run raises TypeError"
    help = "write `def {task}(self…)`, or leave out `bind=True`"
    proof = "tests/proofs/test_definitions.py::test_a_bound_task_needs_a_place_for_itself"

    @on(Binding.without_self)
    def check(self, fact: Misbound) -> Iterator[Finding]:
        """Report the definition."""
        related = ((fact.sent.place, "it is sent here"),) if fact.sent is not None else ()
        yield Finding(fact.place, {"task": fact.task.label}, related, fix=())
