"""CEL734 missing-execution-id."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.tracked_registries import TrackedRegistries, UntrackedTask
from celery_lint.rule import Finding, Rule, on


class MissingExecutionId(Rule):
    """A task in a registry of tracked tasks takes no id of its execution.

    ## Why it matters

    The other tasks of the registry are told which execution they are, and can record how it ends. Of this
    one the scheduler only learns that it was sent.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    @shared_task(soft_time_limit=50, time_limit=60)
    def send_mail(to="all"):
        return to


    TASKS = {"synchronise": synchronise, "mail": send_mail}


    def dispatch(key, parameters):
        return TASKS[key].delay(**parameters)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    @shared_task(soft_time_limit=50, time_limit=60)
    def send_mail(to="all", execution_id=None):
        return to if execution_id is None else f"{to}: {execution_id}"


    TASKS = {"synchronise": synchronise, "mail": send_mail}


    def dispatch(key, parameters):
        return TASKS[key].delay(**parameters)
    ```

    ## Limits

    A registry counts if one of its tasks takes a parameter of the option `tracking-parameters`. Where the
    dispatching function passes it to every task by name, the call fails: that is CEL720. Silent for tasks
    with `**kwargs`, under further decorators, or named by the option `bridge-exempt`.
    """

    code = "CEL734"
    name = "missing-execution-id"
    severity = "advice"
    preset = "house"
    proof = "convention"
    message = "task `{task}` is sent by a scheduler and takes no `{parameter}`"
    help = "add the parameter `{parameter}`, and record under it how the execution ends"

    @on(TrackedRegistries.untracked)
    def check(self, fact: UntrackedTask) -> Iterator[Finding]:
        """Report at the task, pointing at its registration."""
        values = {"task": fact.task.label, "parameter": fact.parameter}
        yield Finding(fact.task.place, values, ((fact.entry_place, "registered here"),))
