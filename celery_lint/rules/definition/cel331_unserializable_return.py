"""CEL331 unserializable-return."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.returned import UnencodableResult, UnencodableResults
from celery_lint.rule import Finding, Rule, on


class UnserializableReturn(Rule):
    """A task returns something that the result backend cannot keep.

    ## Why it matters

    What a task returns is kept as JSON, unless a setting says otherwise. A set, a `Path`, an object of a
    model, a member of an `Enum` or an exception cannot be: the task has done its work, and then its run
    fails with `kombu.exceptions.EncodeError: Object of type ValueError is not JSON serializable`. What
    waits for its result, or comes next in a chain, gets that error. An exception that is returned, not
    raised, would be a success besides.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost", backend="redis://localhost")


    @app.task(soft_time_limit=50, time_limit=60)
    def names(orders):
        return {order["name"] for order in orders}
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost", backend="redis://localhost")


    @app.task(soft_time_limit=50, time_limit=60)
    def names(orders):
        return sorted({order["name"] for order in orders})
    ```

    ## Limits

    Speaks where the application has a result backend that can be seen, keeps results, and nothing encodes
    them in another way (the backend `django-cache`, one of the project, `result_serializer`, `serializer=`,
    `register_type`, `__json__`, a decorator below the task's). Celery encodes dates, times, UUIDs, decimals
    and bytes, and keeps the result of another task as its id. Values that a variable holds are followed to
    the call that makes them, no further. Silent in a branch that each message of the project closes:
    `if return_rows`, where all of them say `False` or leave it at that.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#result-serializer>
    """

    code = "CEL331"
    name = "unserializable-return"
    severity = "error"
    preset = "recommended"
    message = "the result of `{task}` raises `EncodeError`: {what} is not JSON serializable"
    help = "return what JSON has, such as a list, a text or a number; or set `ignore_result=True`"
    variants = {
        "exception": (
            "`{task}` returns {what}: `EncodeError`, it is not JSON serializable",
            "raise it, so that the run fails with it, or return its text",
        )
    }
    proof = "tests/proofs/test_outcomes.py::test_a_result_that_json_does_not_take"

    @on(UnencodableResults.all)
    def check(self, fact: UnencodableResult) -> Iterator[Finding]:
        """Report the value."""
        values = {"task": fact.task.label, "what": fact.what}
        yield Finding(fact.place, values, (), "exception" if fact.exception else "")
