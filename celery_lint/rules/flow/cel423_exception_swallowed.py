"""CEL423 exception-swallowed."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.swallowing import Swallowing, WideHandler
from celery_lint.rule import Finding, Rule, on


class ExceptionSwallowed(Rule):
    """A task catches every exception around most of its work, and at most writes a line to the log.

    ## Why it matters

    What happened is a line of text, and the task is a SUCCESS: `autoretry_for` never sees the exception,
    `link_error` and `on_failure` are not called, a chain goes on with `None`, and whatever counts failed
    tasks counts none. Celery logs the exceptions of tasks itself, with their traceback.

    ## Example

    ```python
    import logging

    from celery import shared_task

    logger = logging.getLogger(__name__)


    @shared_task(soft_time_limit=50, time_limit=60)
    def rebuild(pk):
        try:
            number = int(pk)
            logger.info("rebuilt %s", number)
        except Exception:
            logger.exception("rebuild failed")
    ```

    ## Use instead

    ```python
    import logging

    from celery import shared_task

    logger = logging.getLogger(__name__)


    @shared_task(soft_time_limit=50, time_limit=60)
    def rebuild(pk):
        number = int(pk)
        logger.info("rebuilt %s", number)
    ```

    ## Limits

    Many tasks do this on purpose: a periodic clean-up that may fail today and works tomorrow. So the rule is
    for those who want to read each of them. It speaks only where the `try` holds more than half of the
    statements, stands in no loop, and its handler does nothing but log: one that returns something, saves a
    state or calls anything else is silent, and so is a `finally` that does.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#task-states>
    """

    code = "CEL423"
    name = "exception-swallowed"
    severity = "warning"
    preset = "strict"
    message = "task `{task}` counts as successful even if it fails: this handler only logs"
    help = "write `raise` at its end, or catch only exceptions that are no failure"
    proof = "tests/proofs/test_retries.py::test_a_swallowed_retry_is_a_success"

    @on(Swallowing.wide)
    def check(self, fact: WideHandler) -> Iterator[Finding]:
        """Report the handler."""
        if fact.ending == "silent":
            body = fact.handler.body
            yield Finding(body.place(fact.step), {"task": body.task.label}, body.related())
