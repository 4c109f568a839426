"""CEL643 chain-arity."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.handed_results import HandedResults, UnfitResult
from celery_lint.rule import Finding, Rule, on


class ChainArity(Rule):
    """A link of a chain does not take the result of the task before it.

    ## Why it matters

    In a chain the result of each task becomes the first argument of the next one, and so it is with the body
    of a chord and with `link`, also where the result is `None`. Nobody compares that with the parameters of
    the task before the chain runs. The first task does its work and is then marked as failed, with
    `TypeError: notify() takes 1 positional argument but 2 were given`; the next one never runs. The body of a
    chord fails with `ChordError: Callback error: TypeError(…)`.

    ## Example

    ```python
    from celery import chain, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    @shared_task(soft_time_limit=50, time_limit=60)
    def notify(order):
        print(order)


    def ordered(order):
        chain(bill.s(order), notify.s(order)).delay()
    ```

    ## Use instead

    ```python
    from celery import chain, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    @shared_task(soft_time_limit=50, time_limit=60)
    def notify(order):
        print(order)


    def ordered(order):
        chain(bill.s(order), notify.si(order)).delay()
    ```

    ## Limits

    Looks at `task.s(…)`, also by a name, in `chain(…)` and behind a `|`, where a signature, a group or a
    chord stands before it, as the body of a `chord` and as `link`. Silent where something may change the
    arguments (see CEL610), where `*` or `**` may hold what is missing, and behind what may be an empty chain.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#immutability>
    """

    code = "CEL643"
    name = "chain-arity"
    severity = "error"
    preset = "recommended"
    message = "the result comes first: `{error}`"
    help = "write `{task}.si(…)` if it needs no result; `{task}` takes `{signature}`"
    variants = {
        "missing": (
            "the result comes first: `{error}`",
            "give it `{names}` as well: `{task}` takes `{signature}`",
        ),
    }
    proof = "tests/proofs/test_canvas.py::test_the_result_comes_first"
    fixable = "unsafe"

    @on(HandedResults.unfit)
    def check(self, fact: UnfitResult) -> Iterator[Finding]:
        """Report the signature, pointing at the task."""
        values = {
            "error": fact.error,
            "task": fact.task.label,
            "signature": fact.signature.spelled,
            "names": ", ".join(fact.mismatch.names),
        }
        related = ((fact.task.place, f"task `{fact.task.label}` is defined here"),)
        variant, fix = ("missing", None) if fact.mismatch.kind == "missing" else ("", ())
        yield Finding(fact.sending.place, values, related, variant, fix, runs=(fact.task,))
