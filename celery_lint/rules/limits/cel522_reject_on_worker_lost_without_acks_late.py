"""CEL522 reject-on-worker-lost-without-acks-late."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.acknowledgement import Acknowledgement, LostWorkerOption
from celery_lint.rule import Finding, Rule, on


class RejectOnWorkerLostWithoutAcksLate(Rule):
    """`reject_on_worker_lost` is switched on for a task that acknowledges its message before it runs.

    ## Why it matters

    A message that has been acknowledged cannot be rejected. Without `acks_late` the option does nothing: on a
    real worker such a task ran once and failed with `WorkerLostError` when its process was killed.

    ## Example

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task(reject_on_worker_lost=True, soft_time_limit=50, time_limit=60)
    def resize(picture):
        return picture
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task(soft_time_limit=50, time_limit=60)
    def resize(picture):
        return picture
    ```

    With `acks_late` the option works, and brings the task back whenever it kills its worker: see CEL521.

    ## Limits

    Looks for `acks_late` in the decorator, its wrapper, the base class, `task_annotations` and the settings
    of the application; silent where any of them sets it or cannot be read, and where the application is not
    part of the project. The setting `task_reject_on_worker_lost` is told if no task acknowledges late.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#task-reject-on-worker-lost>
    """

    code = "CEL522"
    name = "reject-on-worker-lost-without-acks-late"
    severity = "warning"
    preset = "recommended"
    message = "`reject_on_worker_lost` has no effect: task `{task}` does not set `acks_late`"
    help = "add `acks_late=True` if the task may run twice, else remove the option"
    variants = {
        "application": (
            "`task_reject_on_worker_lost` has no effect: no task acknowledges late",
            "set `task_acks_late` too if the tasks may run twice, else remove the setting",
        ),
    }
    proof = "tests/proofs/test_deliveries.py::test_an_acknowledged_message_does_not_come_back"

    @on(Acknowledgement.lost_worker_options)
    def check(self, fact: LostWorkerOption) -> Iterator[Finding]:
        """Report the option that does nothing."""
        if fact.late is False:
            if fact.task is None:
                yield Finding(fact.place, {}, (), "application")
            else:
                yield Finding(fact.place, {"task": fact.task.label})
