"""CEL721 bridge-value-not-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.registrations import NotATask, Registrations
from celery_lint.rule import Finding, Rule, on


class BridgeValueNotTask(Rule):
    """A registry of tasks holds something that is no task.

    ## Why it matters

    The bridge calls `delay` or `apply_async` on what it finds. A plain function has neither: the dispatch
    fails with `AttributeError`. A task that was already sent while the registry was being built is worse: it
    ran once, at import.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    def report(execution_id=None):
        return execution_id


    TASKS = {"synchronise": synchronise, "report": report}


    def dispatch(key, execution_id):
        return TASKS[key].delay(execution_id=execution_id)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    @shared_task(soft_time_limit=50, time_limit=60)
    def report(execution_id=None):
        return execution_id


    TASKS = {"synchronise": synchronise, "report": report}


    def dispatch(key, execution_id):
        return TASKS[key].delay(execution_id=execution_id)
    ```

    ## Limits

    Only plain functions of the project and tasks that are sent on the spot. Strings, decorated functions and
    names that cannot be resolved are left alone, and so are mappings that nobody dispatches from.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html>
    """

    code = "CEL721"
    name = "bridge-value-not-task"
    severity = "error"
    preset = "recommended"
    message = "`{value}` in the registry `{registry}` is no Celery task: AttributeError when it is sent"
    help = "make it a task, or remove it from the registry"
    proof = "tests/proofs/test_wiring.py::test_a_function_cannot_be_sent"

    @on(Registrations.strangers)
    def check(self, fact: NotATask) -> Iterator[Finding]:
        """Report at the value."""
        place = fact.entry.module.place(fact.entry.value.span)
        yield Finding(place, {"value": fact.label, "registry": fact.entry.registry[1]})
