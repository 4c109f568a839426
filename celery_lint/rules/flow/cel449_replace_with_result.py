"""CEL449 replace-with-result."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.replacements import Replacements, SentReplacement
from celery_lint.rule import Finding, Rule, on


class ReplaceWithResult(Rule):
    """`self.replace()` gets the result of something that has been sent, not a signature.

    ## Why it matters

    `replace()` sends the signature that it is given, with the id of the task that it replaces.
    `chord(...)(body)` and `delay()` send at once and give back an `AsyncResult`: the work is on its way under
    another id, and the task fails with `AttributeError`, so that whoever waits for it gets that.

    ## Example

    ```python
    from celery import chord, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def part(pk):
        return pk


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def split(self, keys):
        raise self.replace(chord([part.s(pk) for pk in keys])(part.s()))
    ```

    ## Use instead

    ```python
    from celery import chord, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def part(pk):
        return pk


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def split(self, keys):
        raise self.replace(chord([part.s(pk) for pk in keys], part.s()))
    ```

    ## Limits

    Sees `delay`, `apply_async` and calls of canvases, written in the call or bound to a local name before.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.replace>
    """

    code = "CEL449"
    name = "replace-with-result"
    severity = "error"
    preset = "recommended"
    message = "`replace()` of `{task}` gets a result and no signature: AttributeError"
    help = "pass a signature: `chord(header, body)` or `task.s(...)`, without the call that sends it"
    proof = "tests/proofs/test_retries.py::test_a_result_replaces_nothing"

    @on(Replacements.sent)
    def check(self, fact: SentReplacement) -> Iterator[Finding]:
        """Report the call of ``replace``."""
        yield Finding(fact.place, {"task": fact.task})
