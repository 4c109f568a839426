"""CEL311 duplicate-task-name."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.workers.loading.repeated_names import RepeatedName, RepeatedNames
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.rule import Finding, Rule, on


class DuplicateTaskName(Rule):
    """Two tasks of an application have one name, and one of them never runs.

    ## Why it matters

    Celery keeps one task for a name and makes none for the second function: what is sent as the second runs
    the body of the first. Which is the first is chance: an application makes the tasks that wait for it in
    the order of a set, so that two processes may differ. Only Celery 5.7 says anything about it, in a
    warning.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(name="shop.bill", soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    @shared_task(name="shop.bill", soft_time_limit=50, time_limit=60)
    def bill_again(order):
        print(order)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(name="shop.bill", soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    @shared_task(name="shop.bill_again", soft_time_limit=50, time_limit=60)
    def bill_again(order):
        print(order)
    ```

    ## Limits

    Compares names that are written down: in one module, or in modules that use the same application. Silent
    of tasks that are defined under a condition, of two that only hand what they get to the same function of
    the project, and of a function that is pasted twice word for word: whichever a worker has, the work is
    done. So it is where nothing imports the module of one. Rules about runs say nothing of the two tasks.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#names>
    """

    code = "CEL311"
    name = "duplicate-task-name"
    severity = "error"
    preset = "recommended"
    message = "`{other}` has the name `{name}` as well: one of the two never runs"
    help = "give `{task}` a name of its own"
    even_unsent = "that one of the two never runs is what the rule says"
    proof = "tests/proofs/test_definitions.py::test_one_task_for_a_name"

    @on(RepeatedNames.all)
    def check(self, fact: RepeatedName) -> Iterator[Finding]:
        """Report the name, pointing at the other task, unless nothing runs this one anyway."""
        if self.known.of(Unsent).why(fact.task) != "doubled":
            return
        related = ((fact.other.place, f"task `{fact.other.label}` has this name"),)
        values = {"other": fact.other.label, "name": fact.task.name, "task": fact.task.label}
        yield Finding(fact.place, values, related)
