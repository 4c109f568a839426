"""CEL326 invalid-rate-limit."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.option_values import BadRate, OptionValues
from celery_lint.rule import Finding, Rule, on


class InvalidRateLimit(Rule):
    """A rate limit is written in a way that no worker can read.

    ## Why it matters

    A worker reads the limits of all tasks when it starts. After a number it knows `/s`, `/m` and `/h`; at
    `10/min` it ends with `KeyError: 'min'`, and with it every task that it was to run.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(rate_limit="10/min", soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(rate_limit="10/m", soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Limits

    Sees text that is written down, in decorators, classes of tasks and `task_annotations`, there only in
    entries that are for a task.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#Task.rate_limit>
    """

    code = "CEL326"
    name = "invalid-rate-limit"
    severity = "error"
    preset = "recommended"
    even_unsent = "the worker ends with it, whether anybody sends the task or not"
    message = "`{rate}` is no rate limit: the worker ends with an error when it starts"
    help = "write a number and `/s`, `/m` or `/h`, such as `10/m`"
    proof = "tests/proofs/test_definitions.py::test_a_worker_ends_at_a_rate_that_it_cannot_read"

    @on(OptionValues.bad_rates)
    def check(self, fact: BadRate) -> Iterator[Finding]:
        """Report the value."""
        yield Finding(fact.place, {"rate": fact.text})
