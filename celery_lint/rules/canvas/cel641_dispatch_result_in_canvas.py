"""CEL641 dispatch-result-in-canvas."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.canvas_elements import CanvasElements, NoSignature
from celery_lint.rule import Finding, Rule, on


class DispatchResultInCanvas(Rule):
    """A canvas or a link is given a task, or the result of one that is sent on the spot, and no signature.

    ## Why it matters

    Canvases are made of signatures. `task.delay()` among them sends the task at once, by itself, and then
    the canvas fails: `TypeError: unsupported operand type(s) for |: '_chain' and 'AsyncResult'` in a chain,
    `AttributeError` in groups and chords, or in a worker `RuntimeError: Never call result.get() within a
    task!`, `EncodeError: Object of type AsyncResult is not JSON serializable` in `link` and `link_error`. The
    task itself, without `.s()`, fails in the same ways.

    ## Example

    ```python
    from celery import chain, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def fetch(url):
        return len(url)


    def refresh(url):
        chain(fetch.s(url), fetch.delay(url)).delay()
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

    Looks at what stands in `chain`, `group` and `chord` of Celery, behind a `|`, and in `link` and
    `link_error`.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#signatures>
    """

    code = "CEL641"
    name = "dispatch-result-in-canvas"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`{what}()` sends this task at once, and `{where}` fails: it takes signatures"
    help = "write `.s(…)` instead of `.{what}(…)`"
    variants = {
        "task": (
            "`{what}` is a task and no signature: `{where}` fails",
            "write `{what}.s(…)`",
        ),
    }
    proof = "tests/proofs/test_calls.py::test_canvases_are_made_of_signatures"

    @on(CanvasElements.wrong)
    def check(self, fact: NoSignature) -> Iterator[Finding]:
        """Report the element."""
        values = {"what": fact.what, "where": fact.where}
        if fact.sent:
            yield Finding(fact.place, values)
        else:
            yield Finding(fact.place, values, (), "task", ())
