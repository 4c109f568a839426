"""CEL002 unused-suppression."""

from __future__ import annotations

from celery_lint.rule import Rule


class UnusedSuppression(Rule):
    """A comment silences a rule that says nothing there.

    ## Why it matters

    The comment speaks of a defect that is gone, and hides the next one of its kind: whoever breaks the line
    again is not told.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(time_limit=60)
    def add(x, y):
        return x + y  # celery-lint: ignore[asyncio-run-in-task] -- the pool is prefork
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(time_limit=60)
    def add(x, y):
        return x + y
    ```

    ## Limits

    Silent where none of the rules that are meant is on, and about `# noqa` without a list. Of `# noqa` with
    one, only names of rules and codes that begin with `CEL` are looked at.
    """

    code = "CEL002"
    name = "unused-suppression"
    severity = "advice"
    preset = "house"
    even_unsent = "what a comment says is true of the comment, wherever it stands"
    message = "`{word}` silences nothing here"
    help = "remove it: the rule says nothing about this line"
    variants = {
        "file": (
            "`{word}` silences nothing in this file",
            "remove it: the rule says nothing about the file",
        ),
    }
    proof = "convention"
    fixable = "safe"
