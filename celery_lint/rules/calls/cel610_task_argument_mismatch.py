"""CEL610 task-argument-mismatch."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.task_arguments import TaskArguments, UnfitArguments, UnfitRetry
from celery_lint.rule import Finding, Rule, on

_MANY = "leave out what is too many: `{task}` takes `{signature}`"
_UNKNOWN = "`{task}` takes `{signature}`: leave out `{names}`, or give it the parameter"
_TWICE = "give `{names}` once, by its place or by its name: `{task}` takes `{signature}`"
_RAISES = "`{call}` raises `{error}`"
_SENT = "sending it raises `{error}`"
_MISSING = "give it `{names}` as well: `{task}` takes `{signature}`"
_FAILS = "the worker raises `{error}`"
_LOST = "the retry is lost: `{error}`"
_RETRIED = "`{task}` takes `{signature}`; without `args` and `kwargs` a retry keeps those of the run"


class TaskArgumentMismatch(Rule):
    """A task is sent with arguments that it does not take.

    ## Why it matters

    Celery compares the arguments with the parameters of the task before it sends the message, and `delay()`
    raises `TypeError`. Where it does not compare, with `send_task`, `typing=False` and tasks that are
    classes, the message is sent and each run fails in the worker, where nobody waits for it.

    `self.retry(args=..., kwargs=...)` is held against the task as well: Celery cannot send the retry and
    rejects the message, so the work is lost in the very case that the retry was made for.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order, customer):
        print(order, customer)


    def ordered(order):
        bill.delay(order)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order, customer):
        print(order, customer)


    def ordered(order, customer):
        bill.delay(order, customer)
    ```

    ## Limits

    Silent where something may change the arguments: a decorator above or below the one that makes the
    task, a decorator of the project that makes it, a class or application with its own `delay` or
    `apply_async`, unless they are seen to hand on all that they get; a base that cannot be seen. What `*`
    and `**` unpack is not counted. Tests are not looked at. `celery-lint project --task NAME` shows what
    is believed of a task.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#argument-checking>
    """

    code = "CEL610"
    name = "task-argument-mismatch"
    severity = "error"
    preset = "recommended"
    message = _RAISES
    help = _MISSING
    variants = {
        "many": (_RAISES, _MANY),
        "unknown": (_RAISES, _UNKNOWN),
        "twice": (_RAISES, _TWICE),
        "missing in a signature": (_SENT, _MISSING),
        "many in a signature": (_SENT, _MANY),
        "unknown in a signature": (_SENT, _UNKNOWN),
        "twice in a signature": (_SENT, _TWICE),
        "missing in the worker": (_FAILS, _MISSING),
        "many in the worker": (_FAILS, _MANY),
        "unknown in the worker": (_FAILS, _UNKNOWN),
        "twice in the worker": (_FAILS, _TWICE),
        "retry": (_LOST, _RETRIED),
        "retry in the worker": ("the retry fails: `{error}`", _RETRIED),
    }
    of_senders = True
    proof = "tests/proofs/test_calls.py::test_arguments_that_do_not_fit"

    @on(TaskArguments.unfit)
    def check(self, fact: UnfitArguments) -> Iterator[Finding]:
        """Report the call, pointing at the task."""
        variant: str = fact.mismatch.kind
        if fact.in_worker:
            variant = f"{variant} in the worker"
        elif not fact.sending.sends:
            variant = f"{variant} in a signature"
        values = {
            "call": f"{fact.sending.how}()",
            "error": fact.error,
            "task": fact.task.label,
            "signature": fact.signature.spelled,
            "names": ", ".join(fact.mismatch.names),
        }
        related = ((fact.task.place, f"task `{fact.task.label}` is defined here"),)
        runs = (fact.task,) if fact.in_worker else ()
        yield Finding(fact.place, values, related, "" if variant == "missing" else variant, runs=runs)

    @on(TaskArguments.unfit_retries)
    def check_retry(self, fact: UnfitRetry) -> Iterator[Finding]:
        """Report the retry, pointing at the task."""
        values = {"error": fact.error, "task": fact.task.label, "signature": fact.signature.spelled}
        related = ((fact.task.place, f"task `{fact.task.label}` is defined here"),)
        yield Finding(fact.retry.place, values, related, "retry in the worker" if fact.in_worker else "retry")
