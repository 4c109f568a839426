"""CEL739 worker-import-refused."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.imports.failed import FailedImports, FailedModule
from celery_lint.rule import Finding, Rule, on

_SHOWN = 4


class WorkerImportRefused(Rule):
    """Python does not compile a module that workers import.

    ## Why it matters

    The worker imports the module when it starts, and ends with `SyntaxError` before it has received anything.
    The parser takes such a file, and so do most formatters and linters, which only parse: it is the compiler
    that refuses a keyword that a call is given twice, `return` outside of a function, `break` outside of a
    loop. Tests that do not import the module pass.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(
        task_time_limit=60,
        task_soft_time_limit=50,
        worker_prefetch_multiplier=4,
        task_track_started=True,
        worker_prefetch_multiplier=1,
    )


    @app.task(ignore_result=True)
    def close():
        print("closed")
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(
        task_time_limit=60,
        task_soft_time_limit=50,
        task_track_started=True,
        worker_prefetch_multiplier=1,
    )


    @app.task(ignore_result=True)
    def close():
        print("closed")
    ```

    ## Limits

    Knows what every version of Python refuses: keywords of a call and parameters of one name, statements that
    need a function or a loop around them, and imports from `__future__` behind other code. An `await` in a
    plain function is told by `await-in-sync-task`; a file that cannot be parsed at all is told as one that is
    not checked. Follows workers to the module as `worker-import-fails` does. Told once in a module.

    ## References

    * <https://docs.python.org/3/reference/expressions.html#calls>
    """

    code = "CEL739"
    name = "worker-import-refused"
    severity = "error"
    preset = "recommended"
    even_unsent = "the worker ends whatever is sent to it"
    message = "`{name}` is given twice: the worker ends at start with SyntaxError"
    help = "keep one of them: Python refuses the whole file"
    variants = {
        "parameter": (
            "two parameters are called `{name}`: the worker ends at start with SyntaxError",
            "give one of them another name: Python refuses the whole file",
        ),
        "function": (
            "`{name}` stands in no function: the worker ends at start with SyntaxError",
            "move it into one: Python refuses the whole file",
        ),
        "loop": (
            "`{name}` stands in no loop: the worker ends at start with SyntaxError",
            "move it into one, or leave the function by `return`: Python refuses the whole file",
        ),
        "late": (
            "`{name}` stands behind other code: the worker ends at start with SyntaxError",
            "make it the first statement: Python refuses the whole file",
        ),
    }
    proof = "tests/proofs/test_imports.py::test_a_worker_ends_at_a_module_that_python_refuses"

    @on(FailedImports.uncompiled)
    def check(self, fact: FailedModule) -> Iterator[Finding]:
        """Report the first thing that Python refuses, with others of its kind and the way to the module."""
        ways = [(way.place, f"a worker imports `{way.name}` here") for way in fact.ways[-_SHOWN:]]
        others = [(place, "and here") for place in fact.others]
        kind = fact.refused.kind
        values = {"name": fact.refused.name}
        yield Finding(fact.place, values, (*others, *ways), "" if kind == "keyword" else kind)
