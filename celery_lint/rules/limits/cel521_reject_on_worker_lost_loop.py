"""CEL521 reject-on-worker-lost-loop."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.acknowledgement import Acknowledgement, LostWorkerOption
from celery_lint.rule import Cause, Finding, Rule, on


class RejectOnWorkerLostLoop(Rule):
    """A task whose process is killed is delivered again each time, without end.

    ## Why it matters

    With `reject_on_worker_lost` the message of a task whose process died goes back to the queue. A task that
    died because it needs more memory than there is kills the next process, and the next: on a real worker it
    started over until the test ended it.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(acks_late=True, reject_on_worker_lost=True, soft_time_limit=50, time_limit=60)
    def resize(picture):
        return picture
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(acks_late=True, retry_on_worker_lost=True, max_retries=3, time_limit=60)
    def resize(picture):
        return picture
    ```

    ## Limits

    `retry_on_worker_lost` exists since Celery 5.7: it counts as a retry, so that `max_retries` ends it;
    before, a quorum queue of RabbitMQ with a delivery limit does, and Redis has nothing of that kind. Silent
    where one of them is set (`task_default_queue_type`), where all tasks wait in queues of RabbitMQ that end
    it (`x-message-ttl`, `x-delivery-limit`, `x-queue-type` in `queue_arguments`), and where the option has
    no effect, which is CEL522. Silent too where no worker has processes to lose (threads, solo, gevent,
    eventlet, also where nothing but scripts for PowerShell, batch files or npm start workers; settings for
    production with `task_always_eager` and without a broker), and where a task stops itself: it asks whether
    it is redelivered, leaves where what it works on has begun already, where it does not get a lock at once
    (`if not lock.acquire(blocking=False): return`) or cannot claim its row
    (`filter(pk=pk, status="new").update(status="begun")` changes none), or has a class whose `__call__` may
    leave first; and where each call that sends the task gives it an end (`expires=300`), or
    beat alone sends it, without arguments, every few minutes or sooner; and at the setting, where tasks take
    nothing and only print or log, and nothing names them, such as `debug_task` of Celery's guide. Silent,
    last, where commands start workers, but none of this application. Told once for an application, at its
    setting or else at the first task, with the places of the others.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#task-reject-on-worker-lost>
    """

    code = "CEL521"
    name = "reject-on-worker-lost-loop"
    severity = "advice"
    preset = "recommended"
    message = "the message of a task whose process is killed comes back each time, forever"
    help = "remove it: the task then fails; or use `retry_on_worker_lost` (5.7), or quorum queues (RabbitMQ)"
    variants = {
        "redis": (
            "the message of a task whose process is killed comes back each time, forever",
            "remove it: such a task then fails; or use `retry_on_worker_lost` (Celery 5.7)",
        ),
    }
    proof = "tests/proofs/test_deliveries.py::test_a_task_that_kills_its_process_comes_back_for_ever"

    @on(Acknowledgement.lost_worker_options)
    def check(self, fact: LostWorkerOption) -> Iterator[Finding]:
        """Report the option that nothing bounds."""
        if fact.late and not fact.bounded:
            # nothing but RabbitMQ counts deliveries
            variant = "redis" if fact.broker not in ("amqp", "") else ""
            cause = Cause(fact.application, int(fact.task is not None))
            yield Finding(fact.place, {}, (), variant, cause=cause)
