"""CEL719 bridge-duplicate-key."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.registrations import DuplicateKey, Registrations
from celery_lint.rule import Finding, Rule, on


class BridgeDuplicateKey(Rule):
    """Two tasks are registered under the same key, and only the later one can be reached.

    ## Why it matters

    A mapping keeps one value for a key. The jobs that were written for the first task run the second, and
    nothing complains.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    @shared_task(soft_time_limit=50, time_limit=60)
    def report(execution_id=None):
        return execution_id


    TASKS = {"nightly": synchronise, "nightly": report}
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    @shared_task(soft_time_limit=50, time_limit=60)
    def report(execution_id=None):
        return execution_id


    TASKS = {"nightly-synchronise": synchronise, "nightly-report": report}
    ```

    ## Limits

    Counts literal keys in the mapping itself, in item assignments and in calls of its register function,
    in whatever modules. The same task twice under one key is left alone.
    """

    code = "CEL719"
    name = "bridge-duplicate-key"
    severity = "error"
    preset = "recommended"
    proof = "convention"
    message = "key `{key}` of `{registry}` is registered twice: only the later task can be reached"
    help = "give each task a different key"

    @on(Registrations.duplicates)
    def check(self, fact: DuplicateKey) -> Iterator[Finding]:
        """Report the later registration, pointing at the first."""
        values = {"key": fact.entry.key, "registry": fact.entry.registry[1]}
        yield Finding(fact.entry.key_place, values, ((fact.first.key_place, "first registered here"),))
