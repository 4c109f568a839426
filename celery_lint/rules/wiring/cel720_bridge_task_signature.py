"""CEL720 bridge-task-signature."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.registrations import MissingParameter, Registrations
from celery_lint.rule import Finding, Rule, on


class BridgeTaskSignature(Rule):
    """A registered task does not accept an argument that the bridge passes to every task.

    ## Why it matters

    Celery checks the arguments when a task is sent: `delay` raises `TypeError` at every dispatch of this
    task, while all others work.

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
    def send_mail(to="all", execution_id=None):
        return {"to": to, "execution": execution_id}


    TASKS = {"synchronise": synchronise, "mail": send_mail}


    def dispatch(key, execution_id):
        return TASKS[key].delay(execution_id=execution_id)
    ```

    ## Limits

    Speaks of keywords that the dispatching function writes out. Silent for tasks with `**kwargs` and for
    tasks under further decorators, which may change the signature.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#Task.typing>
    """

    code = "CEL720"
    name = "bridge-task-signature"
    severity = "error"
    preset = "recommended"
    message = "task `{task}` does not accept `{keyword}=`, which it is sent with: TypeError"
    help = "add the parameter to `{task}`: `{keyword}=None`"
    proof = "tests/proofs/test_wiring.py::test_a_task_that_takes_other_arguments_cannot_be_sent"

    @on(Registrations.missing_parameters)
    def check(self, fact: MissingParameter) -> Iterator[Finding]:
        """Report at the task, pointing at its registration and at the dispatching function."""
        dispatcher = fact.dispatcher
        related = (
            (fact.entry.key_place, "registered here"),
            (dispatcher.module.place(dispatcher.function.span), f"`{fact.keyword}=` is passed on in here"),
        )
        yield Finding(fact.task.place, {"task": fact.task.label, "keyword": fact.keyword}, related)
