"""CEL667 chord-without-body."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.bodiless import BodilessChord, BodilessChords
from celery_lint.rule import Finding, Rule, on


class ChordWithoutBody(Rule):
    """A chord is sent without a body.

    ## Why it matters

    `chord(header)` alone has no body yet, and its `apply_async` takes none: what it is given there are
    arguments for the tasks of the header. The call fails before anything is sent, with `AttributeError:
    'NoneType' object has no attribute 'clone'`.

    ## Example

    ```python
    from celery import chord, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def fetch(url):
        return len(url)


    @shared_task(soft_time_limit=50, time_limit=60)
    def total(sizes):
        print(sum(sizes))


    def refresh(urls):
        chord([fetch.s(url) for url in urls]).apply_async(total.s())
    ```

    ## Use instead

    ```python
    from celery import chord, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def fetch(url):
        return len(url)


    @shared_task(soft_time_limit=50, time_limit=60)
    def total(sizes):
        print(sum(sizes))


    def refresh(urls):
        chord([fetch.s(url) for url in urls])(total.s())
    ```

    ## Limits

    Looks at chords that are sent where they are made, or that a variable holds which nothing else uses.
    Silent where the call has `kwargs`, which may hold the `body`.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#chords>
    """

    code = "CEL667"
    name = "chord-without-body"
    severity = "error"
    preset = "recommended"
    message = "this chord has no body: to send it raises `AttributeError`"
    help = "give it one: `chord(header)(body)`"
    variants = {
        "method": (
            "this chord has no body: `{how}()` raises `AttributeError`",
            "give it one: `chord(header, body).{how}(…)`",
        ),
    }
    proof = "tests/proofs/test_canvas.py::test_a_chord_needs_a_body"

    @on(BodilessChords.sent)
    def check(self, fact: BodilessChord) -> Iterator[Finding]:
        """Report the call, pointing at the chord if that is made elsewhere."""
        related = ((fact.made, "the chord"),) if fact.made.span.start != fact.place.span.start else ()
        if fact.how == "()":
            yield Finding(fact.place, {}, related)
        else:
            yield Finding(fact.place, {"how": fact.how}, related, "method")
