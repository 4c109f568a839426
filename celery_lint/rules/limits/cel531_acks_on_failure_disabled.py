"""CEL531 acks-on-failure-disabled."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.acknowledgement import Acknowledgement, FailureOption
from celery_lint.rule import Finding, Rule, on


class AcksOnFailureDisabled(Rule):
    """`acks_on_failure_or_timeout=False` repeats timed-out tasks forever, and failed ones not at all.

    ## Why it matters

    The name says one thing and two happen. A task that runs into its hard time limit goes back to the queue,
    and from there into the limit again, without end. A task that fails is rejected without being put back: it
    goes to the dead letter exchange of its queue, and is gone where there is none. Both measured on a real
    worker.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(acks_late=True, acks_on_failure_or_timeout=False, soft_time_limit=50, time_limit=60)
    def load(order):
        return order
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(acks_late=True, acks_on_failure=False, soft_time_limit=50, time_limit=60)
    def load(order):
        return order
    ```

    ## Limits

    Celery 5.7 has two options in its place and warns of this one: `acks_on_failure` and `acks_on_timeout`.
    Only where the message is acknowledged late: without that, the option does nothing. Silent with SQS, which
    delivers what is not acknowledged again, failed or not, until the redrive policy of the queue ends it.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#task-acks-on-failure-or-timeout>
    """

    code = "CEL531"
    name = "acks-on-failure-disabled"
    severity = "advice"
    preset = "recommended"
    message = "tasks that time out are redelivered forever, and failed ones not at all"
    help = "remove it, or (Celery 5.7) set `acks_on_failure` and `acks_on_timeout`"
    proof = "tests/proofs/test_deliveries.py::test_only_timed_out_tasks_come_back"

    @on(Acknowledgement.failure_options)
    def check(self, fact: FailureOption) -> Iterator[Finding]:
        """Report the option."""
        yield Finding(fact.place)
