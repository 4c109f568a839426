"""CEL327 autoretry-for-not-tuple."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.option_values import BareException, OptionValues
from celery_lint.rule import Finding, Rule, on


class AutoretryForNotTuple(Rule):
    """An option that takes a tuple of exceptions is given one exception.

    ## Why it matters

    Celery makes a tuple of what `autoretry_for` and `dont_autoretry_for` hold when it builds the task. Of a
    class it cannot: `TypeError: 'type' object is not iterable`, and the worker does not start. The comma
    makes the tuple: `(OSError)` is the class.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(OSError), retry_backoff=True, soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(OSError,), retry_backoff=True, soft_time_limit=50, time_limit=60)
    def pull():
        return 1
    ```

    ## Limits

    Speaks of classes of the project, and of those of libraries whose name says that they are exceptions, or
    whose module does in a well-known package (`celery.exceptions`, `pymongo.errors`). A name that may hold a
    tuple is left alone.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#Task.autoretry_for>
    """

    code = "CEL327"
    name = "autoretry-for-not-tuple"
    severity = "error"
    preset = "recommended"
    even_unsent = "the worker does not start, whoever is going to send it"
    fixable = "safe"
    message = "`{option}` is no tuple: `TypeError: 'type' object is not iterable`"
    help = "write `{option}=({exception},)`"
    proof = "tests/proofs/test_definitions.py::test_what_cannot_be_built_fails_before_any_run"

    @on(OptionValues.bare_exceptions)
    def check(self, fact: BareException) -> Iterator[Finding]:
        """Report the value."""
        yield Finding(fact.place, {"option": fact.name, "exception": fact.spelled}, fix=())
