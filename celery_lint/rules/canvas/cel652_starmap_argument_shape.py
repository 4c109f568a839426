"""CEL652 starmap-argument-shape."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.star_items import BareItem, StarItems
from celery_lint.rule import Finding, Rule, on


class StarmapArgumentShape(Rule):
    """An item of `starmap()` or `chunks()` is no sequence of arguments.

    ## Why it matters

    Both unpack each item into the arguments of the task: `task(*item)`. A number cannot be unpacked
    (`TypeError: … argument after * must be an iterable, not int`), and a text is unpacked into its letters.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    def all_of_them():
        bill.starmap([7, 8, 9]).delay()
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    def all_of_them():
        bill.starmap([(7,), (8,), (9,)]).delay()
    ```

    ## Limits

    Looks at lists that are written down where they are handed over. Silent of a text that has no more letters
    than the task takes arguments.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#map-starmap>
    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#chunks>
    """

    code = "CEL652"
    name = "starmap-argument-shape"
    severity = "error"
    preset = "recommended"
    message = "`{method}()` unpacks each item into arguments: a number raises `TypeError`"
    help = "make each item a tuple of arguments, `(x,)`; or use `map()`, which hands on each as it is"
    variants = {
        "text": (
            "`{method}()` unpacks a text into its letters: `TypeError`, too many arguments",
            "make each item a tuple of arguments, `(x,)`; or use `map()`, which hands on each as it is",
        )
    }
    proof = "tests/proofs/test_outcomes.py::test_starmap_unpacks_each_item"

    @on(StarItems.bare)
    def check(self, fact: BareItem) -> Iterator[Finding]:
        """Report the item."""
        variant = "text" if fact.kind == "text" else ""
        yield Finding(fact.place, {"method": fact.method}, (), variant, runs=(fact.task,))
