"""CEL640 signature-never-applied."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.left_signatures import LeftSignature, LeftSignatures
from celery_lint.rule import Finding, Rule, on


class SignatureNeverApplied(Rule):
    """A signature or canvas is made and never sent.

    ## Why it matters

    `task.s()`, `chain()`, `group()` and `chord()` describe work and send nothing. A statement that stops
    there looks like a call and does nothing at all: no message, no error. So does `task.delay` without
    parentheses.

    ## Example

    ```python
    from celery import chain, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def fetch(url):
        return len(url)


    def refresh(url):
        chain(fetch.s(url), fetch.si(url))
    ```

    ## Use instead

    ```python
    from celery import chain, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def fetch(url):
        return len(url)


    def refresh(url):
        chain(fetch.s(url), fetch.si(url)).delay()
    ```

    ## Limits

    Looks at statements, and at variables of functions that nothing reads.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#signatures>
    """

    code = "CEL640"
    name = "signature-never-applied"
    severity = "error"
    preset = "recommended"
    message = "`{made}()` makes a signature, and nothing sends it: no task runs"
    help = "send it: `{made}(…).delay()`"
    variants = {
        "variable": (
            "`{name}` is a signature, and nothing sends it: no task runs",
            "send it: `{name}.delay()`",
        ),
        "not called": (
            "`{made}` is not called: nothing is sent",
            "write `{made}(…)`",
        ),
    }
    proof = "tests/proofs/test_calls.py::test_a_signature_sends_nothing"
    fixable = "unsafe"

    @on(LeftSignatures.all)
    def check(self, fact: LeftSignature) -> Iterator[Finding]:
        """Report the statement."""
        variant = "not called" if fact.uncalled else "variable" if fact.name else ""
        fix = None if variant else ()
        yield Finding(fact.place, {"made": fact.made, "name": fact.name}, (), variant, fix)
