"""CEL718 bridge-unknown-key."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.registrations import Registrations, UnknownKey
from celery_lint.rule import Finding, Rule, on


class BridgeUnknownKey(Rule):
    """A task is dispatched by a key that the registry does not hold.

    ## Why it matters

    The look-up raises, or finds nothing and falls back without a word, every time the line runs.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    TASKS = {"synchronise": synchronise}


    def dispatch(key, execution_id):
        return TASKS[key].delay(execution_id=execution_id)


    def every_night():
        dispatch("syncronise", execution_id="1")
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def synchronise(execution_id=None):
        return execution_id


    TASKS = {"synchronise": synchronise}


    def dispatch(key, execution_id):
        return TASKS[key].delay(execution_id=execution_id)


    def every_night():
        dispatch("synchronise", execution_id="1")
    ```

    ## Limits

    The key must be a literal, the function one that looks its key up in a registry of the project and sends
    what it finds. Silent where any key of that registry is worked out at run time.
    """

    code = "CEL718"
    name = "bridge-unknown-key"
    severity = "error"
    preset = "recommended"
    proof = "convention"
    fixable = "unsafe"
    message = "no task is registered under `{key}` in `{registry}`"
    help = "register a task under this key, or correct it"
    variants = {
        "nearest": (
            "no task is registered under `{key}` in `{registry}`",
            "did you mean `{nearest}`?",
        )
    }

    @on(Registrations.unknown_keys)
    def check(self, fact: UnknownKey) -> Iterator[Finding]:
        """Report at the dispatch, pointing at the registry."""
        values = {"key": fact.key, "registry": fact.registry.name, "nearest": fact.nearest}
        related = ((fact.registry.place, "the registry is here"),)
        variant, fix = ("nearest", (fact.key, fact.nearest)) if fact.nearest else ("", None)
        yield Finding(fact.place, values, related, variant, fix)
