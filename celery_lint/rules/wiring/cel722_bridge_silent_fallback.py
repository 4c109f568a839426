"""CEL722 bridge-silent-fallback."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.tracked_registries import SilentFallback, TrackedRegistries
from celery_lint.rule import Finding, Rule, on


class BridgeSilentFallback(Rule):
    """A dispatching function returns nothing for a key that no task is registered under.

    ## Why it matters

    The caller cannot tell a misspelled key from Celery being switched off. It runs the job itself, in the
    web process or the scheduler, or not at all, and nobody hears of it.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    TASKS = {"synchronise": synchronise}


    def dispatch(key, execution_id):
        task = TASKS.get(key)
        if task is None:
            return None
        return task.delay(execution_id=execution_id).id
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    TASKS = {"synchronise": synchronise}


    def dispatch(key, execution_id):
        task = TASKS.get(key)
        if task is None:
            raise LookupError(f"no task {key!r}")
        return task.delay(execution_id=execution_id).id
    ```

    ## Limits

    Looks at functions that look their key up in a registry of the project with `get` and send what they
    find. A function that logs the missing key before it returns is left alone.
    """

    code = "CEL722"
    name = "bridge-silent-fallback"
    severity = "advice"
    preset = "strict"
    proof = "convention"
    message = "for a key that is not in `{registry}` this returns `None`, and no task is sent"
    help = "raise an error, and let the caller decide whether to run the job itself"

    @on(TrackedRegistries.silent_fallbacks)
    def check(self, fact: SilentFallback) -> Iterator[Finding]:
        """Report at the return, pointing at the registry."""
        related = ((fact.registry.place, "the registry is here"),)
        yield Finding(fact.place, {"registry": fact.registry.name}, related)
