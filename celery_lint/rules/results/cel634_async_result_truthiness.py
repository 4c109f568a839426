"""CEL634 async-result-truthiness."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.results.result_reads import ResultReads, TestedResult
from celery_lint.rule import Finding, Rule, on


class AsyncResultTruthiness(Rule):
    """A condition asks whether the result of a task is true, and it always is.

    ## Why it matters

    An `AsyncResult` is an id with methods. It is true whatever the task returned, before it has run, after
    it has failed, and for an id that nobody ever sent: that is `PENDING` forever. So one branch is never
    taken, and a comparison with the value that the task returns is never equal.

    ## Example

    ```python
    from celery.result import AsyncResult


    def progress(task_id):
        result = AsyncResult(task_id)
        if not result:
            return "unknown"
        return result.state
    ```

    ## Use instead

    ```python
    from celery.result import AsyncResult


    def progress(task_id):
        result = AsyncResult(task_id)
        if result.successful():
            return "done"
        return result.state
    ```

    ## Limits

    Silent where the variable is filled at several places, for results of groups, which are true if there is
    one among them, for `is None`, beside another operand that asks the result itself (`result and
    isinstance(result.result, dict)`), for a guard before the result of a task that was sent is used
    (`result.id if result else ""`), where the condition is constant on purpose (`not task.delay(pk) or
    True`), and where it decides about nothing but lines of a log.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.result.html#celery.result.AsyncResult>
    """

    code = "CEL634"
    name = "async-result-truthiness"
    severity = "error"
    preset = "recommended"
    message = "an `AsyncResult` is always true: this check decides nothing"
    help = "remove it: sending raises when it fails; whether the task is done, `ready()` says later"
    variants = {
        "of a run": (
            "an `AsyncResult` is always true: this check decides nothing",
            "check `successful()` or `failed()`",
        ),
        "of an id": (
            "an `AsyncResult` is true for an unknown id too (`PENDING`): this check decides nothing",
            "store the ids that were sent, or check `ready()` or `state`",
        ),
    }
    proof = "tests/proofs/test_calls.py::test_a_result_is_always_true"
    of_senders = True

    @on(ResultReads.tested)
    def check(self, fact: TestedResult) -> Iterator[Finding]:
        """Report the condition, pointing at where the result comes from."""
        related = ((fact.made, f"`{fact.name}` is made here"),) if fact.made is not None else ()
        variant = "of an id" if fact.is_asked_for else "of a run" if fact.is_eager else ""
        yield Finding(fact.place, {}, related, variant)
