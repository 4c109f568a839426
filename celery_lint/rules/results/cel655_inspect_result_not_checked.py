"""CEL655 inspect-result-not-checked."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.results.inspections import Inspections, UncheckedInspection
from celery_lint.rule import Finding, Rule, on


class InspectResultNotChecked(Rule):
    """What workers answer to `inspect` is used as if one always did.

    ## Why it matters

    `inspect().active()` asks all workers and waits a second, or as long as its `timeout` says. If none
    answers, because they are being restarted or are busy, it is `None` and no empty dictionary:
    `AttributeError: 'NoneType' object has no attribute 'items'`, or `TypeError: 'NoneType' object is not
    iterable`. That happens at each deployment, and never on the machine where it was written.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")


    def running():
        return [task for tasks in app.control.inspect().active().values() for task in tasks]
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")


    def running():
        active = app.control.inspect().active() or {}
        return [task for tasks in active.values() for task in tasks]
    ```

    ## Limits

    Silent where a condition of the function, or of all that call it, looks at this answer or another one, or
    asks a function that has looked at one; where a statement before has used another answer; and where a
    handler catches the error, and in functions that nothing calls or names. `control.ping()` answers with a
    list, and is never `None`.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#inspecting-workers>
    """

    code = "CEL655"
    name = "inspect-result-not-checked"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`{method}()` is `None` if no worker answers in time: this raises an error then"
    help = "write `{method}() or dict()`, or check for `None` first"
    proof = "tests/proofs/test_calls.py::test_no_worker_no_answer"
    of_senders = True

    @on(Inspections.unchecked)
    def check(self, fact: UncheckedInspection) -> Iterator[Finding]:
        """Report what is asked, or where the answer is used."""
        related = ((fact.made, "it is asked for here"),) if fact.made is not None else ()
        fix = (fact.method,) if fact.made is None else None
        yield Finding(fact.place, {"method": fact.method}, related, "", fix)
