"""CEL001 unknown-suppression."""

from __future__ import annotations

from celery_lint.rule import Rule


class UnknownSuppression(Rule):
    """A comment that should silence a rule names none, and so silences nothing.

    ## Why it matters

    A misspelt code or name silences nothing. Whoever wrote the comment believes that the place was judged;
    the diagnostic is still in the report, or will be on the day when its rule is turned on.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(time_limit=60)
    def add(x, y):
        return x + y  # celery-lint: ignore[asyncio-run-in-tusk] -- the pool is prefork
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(time_limit=60)
    def add(x, y):
        return x + y  # celery-lint: ignore[asyncio-run-in-task] -- the pool is prefork
    ```

    ## Limits

    Of `# noqa` comments only those codes are looked at that begin with `CEL`: words may be prose there, and
    other codes belong to other linters. What stands in a text is no comment.
    """

    code = "CEL001"
    name = "unknown-suppression"
    severity = "warning"
    preset = "recommended"
    even_unsent = "what a comment says is true of the comment, wherever it stands"
    message = "no rule is called `{word}`, so nothing is silenced"
    help = "name a rule that `celery-lint rule --all` lists, or remove the comment"
    variants = {
        "near": ("no rule is called `{word}`, so nothing is silenced", "write `{meant}`"),
        "case": ("`# noqa: {word}` silences nothing: write the code in capitals", "write `{meant}`"),
        "form": (
            "this comment names no rule, so nothing is silenced",
            "write `# celery-lint: ignore[CEL110] -- reason`, or `ignore-file[CEL110]` for all of the file",
        ),
    }
    proof = "convention"
    fixable = "safe"
