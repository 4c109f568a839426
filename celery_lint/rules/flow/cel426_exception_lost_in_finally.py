"""CEL426 exception-lost-in-finally."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.finally_exits import ExitInFinally, FinallyExits
from celery_lint.rule import Finding, Rule, on


class ExceptionLostInFinally(Rule):
    """A `return`, `break` or `continue` in a `finally` throws the task's exception away.

    ## Why it matters

    Python drops the exception that is on its way when a `finally` ends early, whatever it is: the error of
    the task, the `Retry` of `self.retry()`, a soft time limit, the `SystemExit` of a revoke. The task is a
    SUCCESS, and nothing is logged. Python 3.14 warns about it when it compiles the file.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def total(texts):
        result = 0
        try:
            result = sum(map(int, texts))
        finally:
            print("summed")
            return result
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def total(texts):
        result = 0
        try:
            result = sum(map(int, texts))
        finally:
            print("summed")
        return result
    ```

    ## Limits

    In the functions of tasks, the coroutines that they run and the functions that they call. Silent for loops
    that lie inside the `finally`, where a handler of the same `try` stops every exception before, where the
    work of the task stands outside of the `try`, and under a condition that may tell whether it failed.

    ## References

    * <https://peps.python.org/pep-0765/>
    * <https://docs.python.org/3/reference/compound_stmts.html#finally-clause>
    """

    code = "CEL426"
    name = "exception-lost-in-finally"
    severity = "error"
    preset = "recommended"
    message = "`{keyword}` in `finally` discards the exceptions of task `{task}`, retries too"
    help = "move it out of the `finally`, to the line after it"
    variants = {
        "followed": (
            "`{keyword}` in `finally` discards the exceptions of task `{task}`, retries too",
            "turn the condition round: put what follows under it, without the `{keyword}`",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_a_return_in_finally_drops_the_exception"

    @on(FinallyExits.all)
    def check(self, fact: ExitInFinally) -> Iterator[Finding]:
        """Report the statement."""
        values = {"keyword": fact.step.kind, "task": fact.body.task.label}
        variant = "followed" if fact.is_followed else ""
        yield Finding(fact.body.place(fact.step), values, fact.body.related(), variant)
