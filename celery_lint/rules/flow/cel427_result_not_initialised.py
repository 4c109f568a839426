"""CEL427 result-not-initialised."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.unbound import Unbound, UnboundResult
from celery_lint.rule import Finding, Rule, on


class ResultNotInitialised(Rule):
    """A task reads a name after a `try`, or in its handler, that is bound only when nothing was raised.

    ## Why it matters

    The handler goes on, the next line reads what was never bound, and the task fails with
    `UnboundLocalError`. That is the error that the result backend, the retry and the alert get to see; the
    one that matters is a line in the log, if it was logged. So it is in a handler, or a `finally`, that deals
    with what the first line of the `try` was to bind: `order.fail()` hides why the order was not found.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def parse(text):
        try:
            number = int(text)
        except ValueError:
            print("no number")
        return number
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def parse(text):
        number = None
        try:
            number = int(text)
        except ValueError:
            print("no number")
        return number
    ```

    ## Limits

    In tasks, their coroutines and the functions that they call, for names that the body of the `try` binds
    with a plain assignment or `with ... as`, and that a statement reads which is reached whatever happened.
    Silent where a handler may leave the function, where the name is bound anywhere before, where it is read
    only under a condition or in a loop, and where a condition asks for a name that the handler binds; and
    where the handler can get nothing before the binding: constants, empty containers and names of other
    objects raise nothing, nor do new rows of SQLAlchemy and Django before they are saved, no soft limit ends
    a task that waits for nothing or that no pool ends, and what stands under an `if` may not be run. In
    handlers and a `finally` only where the first statement that usually raises (it asks a server, a database,
    a file or a function that does, or converts a text) stands before the binding or is it; constructors, and
    functions that make engines and sessions, practically never raise. The handler must get that exception.

    ## References

    * <https://docs.python.org/3/library/exceptions.html#UnboundLocalError>
    """

    code = "CEL427"
    name = "result-not-initialised"
    severity = "warning"
    preset = "strict"
    message = "`{value}` raises UnboundLocalError here after the `except` in line {line}"
    help = "set `{value} = None` before the `try`, or let the handler return or raise"
    variants = {
        "left over": (
            "`{value}` is unbound, or of the last round, after the `except` in line {line}",
            "set `{value} = None` before the `try`, or let the handler end with `continue`",
        ),
        "clause": (
            "`{value}` raises UnboundLocalError here if line {line} raised",
            "set `{value} = None` before the `try`, and check it here",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_what_the_handler_leaves_unbound_hides_the_error"
    fixable = "unsafe"

    @on(Unbound.results)
    def check(self, fact: UnboundResult) -> Iterator[Finding]:
        """Report the statement that reads the name."""
        reason = "this may raise first" if fact.kind == "clause" else "this handler goes on"
        related = ((fact.body.place(fact.because), reason), *fact.body.related())
        values = {"value": fact.name, "line": fact.because.span.line}
        fix = fact.name, str(fact.because.span.line)
        yield Finding(fact.body.place(fact.step), values, related, fact.kind, fix)
