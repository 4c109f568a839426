"""CEL328 invalid-task-option-value."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.option_values import BadValue, OptionValues
from celery_lint.rule import Finding, Rule, on


class InvalidTaskOptionValue(Rule):
    """An option of a task has a value of a kind that Celery cannot work with.

    ## Why it matters

    Nothing looks at the value where the task is defined. It fails where it is needed: with
    `max_retries="3"` at the first retry (`TypeError: '>' not supported between instances of 'int' and
    'str'`), with an unknown serializer in every `delay()` (`SerializerNotInstalled`), and with a
    `timedelta` as `default_retry_delay` the message of the retry cannot be made, and the task is lost.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(OSError,), max_retries="3", retry_backoff=True, time_limit=60)
    def pull():
        return 1
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(autoretry_for=(OSError,), max_retries=3, retry_backoff=True, time_limit=60)
    def pull():
        return 1
    ```

    ## Limits

    Judges `max_retries`, `default_retry_delay`, `retry_backoff`, `expires`, `serializer`, `compression` and
    `bind`, where the value is written down. Silent about serializers and compressions where the project
    registers some of its own.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#list-of-options>
    """

    code = "CEL328"
    name = "invalid-task-option-value"
    severity = "error"
    preset = "recommended"
    even_unsent = "the value is refused, whoever is going to send it"
    message = "`{option}` is `{value}`: every retry of `{task}` raises TypeError"
    help = "write a number, such as `3`"
    variants = {
        "lost": (
            "`{option}` is `{value}`: the retry of `{task}` is rejected and lost",
            "write a number of seconds",
        ),
        "at_send": (
            "`{option}` is `{value}`: sending `{task}` raises TypeError",
            "write a number of seconds, as `timedelta(…).total_seconds()`",
        ),
        "no_serializer": (
            "`{value}` is no serializer: sending `{task}` raises SerializerNotInstalled",
            "write one that kombu knows, as `json`",
        ),
        "no_compression": (
            "`{value}` is no compression: sending `{task}` raises OperationalError",
            "write one that kombu knows, as `gzip`",
        ),
        "no_number": (
            "`{option}` is `{value}`: ValueError when `{task}` is built",
            "write `True` or a number of seconds",
        ),
        "is_true": (
            "`{option}` is `{value}`, which is true: `{task}` is bound",
            "write `False`, or leave it out",
        ),
    }
    proof = "tests/proofs/test_definitions.py::test_values_fail_where_they_are_needed"

    @on(OptionValues.bad_values)
    def check(self, fact: BadValue) -> Iterator[Finding]:
        """Report the value."""
        values = {"option": fact.option, "value": fact.text, "task": fact.task.label}
        yield Finding(fact.place, values, (), "" if fact.effect == "at_retry" else fact.effect)
