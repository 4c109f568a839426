"""CEL434 update-state-meta-unserializable."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.task_state import StateCall, TaskState
from celery_lint.rule import Finding, Rule, on


class UpdateStateMetaUnserializable(Rule):
    """The `meta` of a state holds something that JSON cannot encode.

    ## Why it matters

    The state is encoded inside `update_state`, which raises `EncodeError` there: the task fails at its
    report of progress. Sets, exceptions, generators, `timedelta` and tuples as keys are refused; dates,
    decimals, UUIDs and bytes are taken.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def sort(self, left, right):
        self.update_state(state="PROGRESS", meta={"missing": {left, right}})
        return sorted((left, right))
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def sort(self, left, right):
        self.update_state(state="PROGRESS", meta={"missing": [left, right]})
        return sorted((left, right))
    ```

    ## Limits

    Looks at what is written out in the call, and at the exception of a handler around it. Silent where the
    project sets another `result_serializer` than JSON.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#custom-states>
    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#serializers>
    """

    code = "CEL434"
    name = "update-state-meta-unserializable"
    severity = "error"
    preset = "recommended"
    proof = "tests/proofs/test_states.py::test_a_state_is_json"
    message = "`meta` holds {what}: storing it raises EncodeError"
    help = "put numbers, strings, lists and dictionaries with string keys into `meta`"

    @on(TaskState.calls)
    def check(self, fact: StateCall) -> Iterator[Finding]:
        """Report what the encoder refuses, where it stands."""
        if fact.refused is not None:
            what, place = fact.refused
            yield Finding(place, {"what": what}, ((fact.place, "stored here"),))
