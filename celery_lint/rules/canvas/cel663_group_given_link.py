"""CEL663 group-given-link."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.group_links import GroupLink, GroupLinks
from celery_lint.rule import Finding, Rule, on


class GroupGivenLink(Rule):
    """A group is sent with `link` or `link_error`.

    ## Why it matters

    A group has no end that something could be linked to. `apply_async()` raises `TypeError: Cannot add link
    to group: use a chord`, or `Cannot add link to group: do that on individual tasks` for `link_error`, and
    no task of the group is sent.

    ## Example

    ```python
    from celery import group, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    @shared_task(soft_time_limit=50, time_limit=60)
    def report():
        print("done")


    def billed(orders):
        group(bill.s(order) for order in orders).apply_async(link=report.si())
    ```

    ## Use instead

    ```python
    from celery import chord, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    @shared_task(soft_time_limit=50, time_limit=60)
    def report():
        print("done")


    def billed(orders):
        chord([bill.s(order) for order in orders], report.si()).apply_async()
    ```

    ## Limits

    Looks at groups that are made in the same function. Silent where the link may be `None`.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#group-callbacks-and-error-handling>
    """

    code = "CEL663"
    name = "group-given-link"
    severity = "error"
    preset = "recommended"
    message = "`apply_async()` of a group raises `TypeError: Cannot add link to group`"
    help = "write `chord(tasks, callback)`"
    variants = {
        "link_error": (
            "`apply_async()` of a group raises `TypeError: Cannot add link to group`",
            "write `.on_error(…)` after each task's signature",
        ),
    }
    proof = "tests/proofs/test_canvas.py::test_a_group_has_no_link"

    @on(GroupLinks.all)
    def check(self, fact: GroupLink) -> Iterator[Finding]:
        """Report what is linked."""
        yield Finding(fact.place, {}, (), "link_error" if fact.option == "link_error" else "")
