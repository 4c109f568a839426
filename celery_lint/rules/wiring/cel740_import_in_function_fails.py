"""CEL740 import-in-function-fails."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.imports.lacking import LackingImport, LackingImports
from celery_lint.rule import Cause, Finding, Rule, on


class ImportInFunctionFails(Rule):
    """A function that a task runs, or that sends one, imports what the project certainly does not have.

    ## Why it matters

    Nobody sees it before the function is called: worker and web application start. Then each run of the task
    ends with `ImportError: cannot import name … from …`, or with `ModuleNotFoundError`. Where the function is
    to send a task, the one who calls it gets the error, and nothing is sent.

    ## Example

    ```python
    # shop/__init__.py

    # shop/invoices.py
    def total_of(order):
        return 1


    # shop/tasks.py
    from celery import shared_task


    @shared_task(ignore_result=True, soft_time_limit=50, time_limit=60)
    def bill(order):
        from shop.invoices import total

        print(total(order))
    ```

    ## Use instead

    ```python
    # shop/__init__.py

    # shop/invoices.py
    def total_of(order):
        return 1


    # shop/tasks.py
    from celery import shared_task


    @shared_task(ignore_result=True, soft_time_limit=50, time_limit=60)
    def bill(order):
        from shop.invoices import total_of

        print(total_of(order))
    ```

    ## Limits

    Knows of modules and packages what `worker-import-fails` knows, and speaks of what they certainly lack. Of
    each function the first such import is told. Silent where a handler around it names `ImportError`, or
    catches all and does not raise again: the code may go on without it. So it is where such a handler stands
    around a call that leads to the function, in what it is given to, in its decorator or in a context manager
    around the import, or nobody can know the decorator. Silent under
    `if TYPE_CHECKING:`, of functions that nothing calls, and where what sends the task stands in another
    branch.

    ## References

    * <https://docs.python.org/3/library/exceptions.html#ImportError>
    """

    code = "CEL740"
    name = "import-in-function-fails"
    severity = "error"
    preset = "recommended"
    of_senders = True
    message = "`{path}` has no `{name}`: `{task}` ends here with ImportError"
    help = "define `{name}` there, or correct the import"
    variants = {
        "module": (
            "there is no module `{name}`: `{task}` ends here with ModuleNotFoundError",
            "correct the import, or write the module",
        ),
        "sends": (
            "`{path}` has no `{name}`: ImportError here, before a task is sent",
            "define `{name}` there, or correct the import",
        ),
        "sends module": (
            "there is no module `{name}`: ModuleNotFoundError here, before a task is sent",
            "correct the import, or write the module",
        ),
    }
    proof = "tests/proofs/test_imports.py::test_an_import_in_a_function_fails_when_it_runs"

    @on(LackingImports.all)
    def check(self, fact: LackingImport) -> Iterator[Finding]:
        """Report the import, with the task that runs it or the call that is never come to."""
        missing = fact.missing
        values = {"path": missing.path, "name": missing.module or missing.name}
        variant = "module" if missing.module else ""
        cause = Cause((missing.path, missing.name))
        if fact.sends is not None:
            related = ((fact.sends, "behind the import this is not come to"),)
            yield Finding(fact.place, values, related, f"sends {variant}".strip(), cause=cause)
            return
        task = fact.tasks[0]
        values["task"] = task.label
        related = ((task.place, "this task runs it"),)
        yield Finding(fact.place, values, related, variant, cause=cause, runs=fact.tasks)
