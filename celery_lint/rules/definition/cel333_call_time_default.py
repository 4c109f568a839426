"""CEL333 call-time-default."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.frozen_defaults import FrozenDefault, FrozenDefaults
from celery_lint.rule import Finding, Rule, on


class CallTimeDefault(Rule):
    """A default such as `datetime.now()` stays what it was when the worker started.

    ## Why it matters

    Python works out defaults once, when the module is imported. Each run of the task that is sent without
    this argument gets the moment, or the identity, of the start of its worker: days later still the same.

    ## Example

    ```python
    from datetime import date

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def report(day=date.today()):
        print(day)
    ```

    ## Use instead

    ```python
    from datetime import date

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def report(day=None):
        print(day or date.today())
    ```

    ## Limits

    Knows the clock, `uuid` and `secrets`; of other calls nobody can tell what they give.

    ## References

    * <https://docs.python.org/3/reference/compound_stmts.html#function-definitions>
    """

    code = "CEL333"
    name = "call-time-default"
    severity = "error"
    preset = "recommended"
    message = "`{parameter}` is forever the `{what}` of the worker's start"
    help = "write `{parameter}=None`, and call `{what}` in the body"
    proof = "tests/proofs/test_definitions.py::test_a_default_is_worked_out_once"

    @on(FrozenDefaults.all)
    def check(self, fact: FrozenDefault) -> Iterator[Finding]:
        """Report the call."""
        yield Finding(fact.place, {"parameter": fact.parameter, "what": fact.what})
