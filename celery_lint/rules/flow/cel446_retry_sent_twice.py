"""CEL446 retry-sent-twice."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.swallowing import RepeatedRetry, Swallowing
from celery_lint.rule import Cause, Finding, Rule, on


class RetrySentTwice(Rule):
    """A retry is asked for inside a `try` whose handler asks for another one.

    ## Why it matters

    `self.retry()` sends the next attempt and raises `Retry`, which is an ordinary exception: the handler gets
    it like any other and retries as well. Two attempts are sent, each of them sends two more, and so on: with
    `max_retries=3` a task was seen to run 15 times in place of 4, many of them at the same time.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def push(self, pk):
        try:
            if not ready(pk):
                raise self.retry(countdown=30)
            print("pushed", pk)
        except Exception as error:
            raise self.retry(exc=error, countdown=60)


    def ready(pk):
        return pk % 2
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from celery.exceptions import Retry


    @shared_task(bind=True, max_retries=3, soft_time_limit=50, time_limit=60)
    def push(self, pk):
        try:
            if not ready(pk):
                raise self.retry(countdown=30)
            print("pushed", pk)
        except Retry:
            raise
        except Exception as error:
            raise self.retry(exc=error, countdown=60)


    def ready(pk):
        return pk % 2
    ```

    ## Limits

    Follows the exception like CEL411. Silent where a condition in the handler looks at the exception before
    the retry and may let a `Retry` go another way, for `retry(throw=False)`, and where one of both sends
    nothing: with `max_retries=0` or `max_retries=self.request.retries` it only raises. A line in the log
    tells no exceptions apart, and `isinstance(error, OSError)` only those that it names.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#retrying>
    """

    code = "CEL446"
    name = "retry-sent-twice"
    severity = "error"
    preset = "recommended"
    message = "the `Retry` raised here is caught by a handler of `{task}` that retries once more"
    help = "put `except Retry: raise` before that handler, or move the call out of the `try`"
    proof = "tests/proofs/test_retries.py::test_a_retry_of_a_retry_doubles_the_runs"
    fixable = "unsafe"

    @on(Swallowing.repeated)
    def check(self, fact: RepeatedRetry) -> Iterator[Finding]:
        """Report the first retry, pointing at the second."""
        related = [(fact.body.place(fact.handler), "this handler catches it"), (fact.again, "and retries")]
        if fact.raised is not None:
            related.append((fact.raised, "it is raised here"))
        handler = fact.body.place(fact.handler)
        fix = (
            ("celery.exceptions", "Retry", str(handler.span.line))
            if handler.path == fact.place.path
            else None
        )
        cause = Cause(handler)
        yield Finding(fact.place, {"task": fact.body.task.label}, tuple(related), fix=fix, cause=cause)
