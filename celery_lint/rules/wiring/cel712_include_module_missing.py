"""CEL712 include-module-missing."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.unloaded import NoModule, UnloadedTasks
from celery_lint.rule import Finding, Rule, on


class IncludeModuleMissing(Rule):
    """What a worker is told to import is no module.

    ## Why it matters

    The worker imports everything that `include` and `imports` name when it starts, and ends with
    `ModuleNotFoundError` where one of them is missing. A single text with commas is one name, not several.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", include="shop.orders,shop.mails")
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", include=["shop.orders", "shop.mails"])
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)
    ```

    ## Limits

    Speaks of modules in packages of the project; what other packages hold is not known. A folder without an
    `__init__.py` counts where the project imports from it by this name, modules lie in it, and a list of
    dependencies is there that has no name like it.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#imports>
    """

    code = "CEL712"
    name = "include-module-missing"
    severity = "error"
    preset = "recommended"
    message = "there is no module `{name}`: the worker ends at start with ModuleNotFoundError"
    help = 'correct the name; write several modules as a list: `include=["a", "b"]`'
    proof = "tests/proofs/test_wiring.py::test_a_worker_ends_at_a_module_that_is_missing"

    @on(UnloadedTasks.missing)
    def check(self, fact: NoModule) -> Iterator[Finding]:
        """Report the name."""
        yield Finding(fact.place, {"name": fact.name})
