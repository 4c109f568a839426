"""CEL411 retry-swallowed."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.swallowing import SwallowedSignal, Swallowing
from celery_lint.rule import Cause, Finding, Rule, on

_RAISED = {
    "retry()": "Retry",
    "replace()": "Ignore",
    "Ignore": "Ignore",
    "Reject": "Reject",
    "Retry": "Retry",
}
"""The exception behind what is called or raised."""


class RetrySwallowed(Rule):
    """A retry, an `Ignore` or a `Reject` is raised where a handler or a context manager swallows it.

    ## Why it matters

    `self.retry()` does two things: it sends the message of the next attempt, and it raises `Retry` so that
    this attempt ends. `Retry`, `Ignore` (which `self.replace()` raises) and `Reject` are ordinary exceptions
    to Python, so `except Exception` gets them first. The attempt then ends as SUCCESS: its callbacks and the
    rest of its chain run, while the next attempt is on its way. When no attempt is left, the exception that
    says so is swallowed too, and the task that failed for good is a SUCCESS as well.

    ## Example

    ```python
    import logging

    from celery import shared_task

    logger = logging.getLogger(__name__)


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def push(self, pk):
        try:
            if not ready(pk):
                raise self.retry(countdown=30)
            logger.info("pushed %s", pk)
        except Exception:
            logger.exception("push failed")
            return False


    def ready(pk):
        return pk % 2
    ```

    ## Use instead

    ```python
    import logging

    from celery import shared_task

    logger = logging.getLogger(__name__)


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def push(self, pk):
        if not ready(pk):
            raise self.retry(countdown=30)
        try:
            logger.info("pushed %s", pk)
        except Exception:
            logger.exception("push failed")
            raise


    def ready(pk):
        return pk % 2
    ```

    Or put `except (Retry, Ignore, Reject): raise` first.

    ## Limits

    Follows the exception to the first handler that certainly gets it, in the same function and from there
    into the task that calls that function. Context managers are `contextlib.suppress` and those of the
    project: generators, and classes whose `__exit__` returns `True`. Silent where the handler may raise or
    retry, on any way through it that is not for other exceptions (`if isinstance(error, OSError): raise`),
    where it hands the exception to something that cannot be seen, where it names `Retry` itself, and for
    `retry(throw=False)`. A handler that asks for another retry is CEL446.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#retrying>
    * <https://github.com/celery/celery/issues/4898>
    """

    code = "CEL411"
    name = "retry-swallowed"
    severity = "error"
    preset = "recommended"
    message = "`{call}` ends `{task}` by raising, and a handler swallows that"
    help = "move the call out of the `try`, or put `except (Retry, Ignore): raise` before the handler"
    variants = {
        "raised": (
            "`{call}` never leaves task `{task}`: a handler swallows it",
            "move the `raise` out of the `try`, or put `except {call}: raise` before the handler",
        ),
        "kept": (
            "`{call}` ends `{task}` by raising, and the context manager around it swallows that",
            "move the call out of the `with`, or let the manager keep only what is expected there",
        ),
        "raised and kept": (
            "`{call}` never leaves task `{task}`: the context manager around it swallows it",
            "move the `raise` out of the `with`, or let the manager keep only what is expected there",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_a_swallowed_retry_is_a_success"
    fixable = "unsafe"

    @on(Swallowing.signals)
    def check(self, fact: SwallowedSignal) -> Iterator[Finding]:
        """Report what is raised, or the call of the function that raises it, and point at the handler."""
        kept = fact.handler.kind == "with"
        who = "context manager" if kept else "handler"
        related = [(fact.body.place(fact.handler), f"this {who} swallows it")]
        if fact.raised is not None:
            related.append((fact.raised, "it is raised here"))
        values = {"call": fact.what, "task": fact.body.task.label}
        variant = " and ".join(["raised"] * (not fact.what.endswith("()")) + ["kept"] * kept)
        handler = fact.body.place(fact.handler)
        name = _RAISED.get(fact.what, fact.what)
        passes = not kept and name in _RAISED.values() and handler.path == fact.place.path
        fix = ("celery.exceptions", name, str(handler.span.line)) if passes else None
        yield Finding(fact.place, values, tuple(related), variant, fix, Cause((handler, variant)))
