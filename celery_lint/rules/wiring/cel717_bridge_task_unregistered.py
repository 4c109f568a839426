"""CEL717 bridge-task-unregistered."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.registrations import Registrations, UnregisteredTask
from celery_lint.rule import Finding, Rule, on


class BridgeTaskUnregistered(Rule):
    """A task that expects to be tracked by the scheduler is in no registry of the scheduler's bridge.

    ## Why it matters

    A bridge finds tasks by key in a registry. A task that takes an `execution_id` was written to be sent
    through it; when nobody registers it, its job finds nothing behind its key, and fails or silently does
    nothing every time it is due.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    @shared_task(soft_time_limit=50, time_limit=60)
    def report(execution_id=None):
        return execution_id


    TASKS = {"synchronise": synchronise}


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

    A convention of projects with such a bridge: speaks only where a registry of tracked tasks is found and
    all its keys are literals. Tasks are known by a parameter named in the option `tracking-parameters`;
    `bridge-exempt` takes names of tasks to leave out, `bridge-registries` names of registries to take in.
    """

    code = "CEL717"
    name = "bridge-task-unregistered"
    severity = "warning"
    preset = "recommended"
    proof = "convention"
    message = "task `{task}` takes `{parameter}` but is not in the registry `{registry}`"
    help = "register it in `{registry}`, or exempt it with the option `bridge-exempt`"

    @on(Registrations.unregistered)
    def check(self, fact: UnregisteredTask) -> Iterator[Finding]:
        """Report at the task, pointing at the registry."""
        values = {"task": fact.task.label, "parameter": fact.parameter, "registry": fact.registry.name}
        yield Finding(fact.task.place, values, ((fact.registry.place, "the registry is here"),))
