"""CEL737 worker-import-fails."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.imports.attributes import FailedAttribute, FailedAttributes
from celery_lint.analysis.wiring.imports.failed import FailedImport, FailedImports
from celery_lint.inventory.workers.loading.certain import told
from celery_lint.inventory.workers.loading.circles import Circle, Circles
from celery_lint.rule import Cause, Finding, Rule, on


class WorkerImportFails(Rule):
    """A module that workers import takes something from the project, or asks for it, that is not there.

    ## Why it matters

    The worker imports the module when it starts, and ends with `ImportError`, `ModuleNotFoundError` or
    `AttributeError` before it has received anything. Where something starts it again and again, all that
    users see is that tasks wait. That `autodiscover_tasks` looks for the module makes no difference: it
    passes over a module that is not there, but not over one whose import fails. Only where its list names
    that very module (`shop.orders`, not `shop`), which lacks another, the search goes on without a word, and
    no worker has the tasks.

    ## Example

    ```python
    # shop/__init__.py

    # shop/database.py
    def session():
        return None


    # shop/celery.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", include=["shop.orders"])
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)

    # shop/orders.py
    from shop.celery import app
    from shop.database import session_scope


    @app.task(ignore_result=True)
    def close():
        print(session_scope())
    ```

    ## Use instead

    ```python
    # shop/__init__.py

    # shop/database.py
    def session():
        return None


    # shop/celery.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", include=["shop.orders"])
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)

    # shop/orders.py
    from shop.celery import app
    from shop.database import session


    @app.task(ignore_result=True)
    def close():
        print(session())
    ```

    ## Limits

    Speaks of imports that are statements of their own at the top of a module, and of what the package of the
    module, or one beside it, certainly lacks: it has neither a star import nor `__getattr__`, nobody sets
    the name from outside, and no ignored, generated or compiled file can be what is missing. A folder
    without an `__init__.py` counts where it lies in a package that has one, or where modules lie in it and
    no dependency has a name like its package. A module that has no package counts as missing where just
    folders for old things have one of its name (`legacy/`, `archive/`), and no launch file and no code about
    paths names these. Follows workers from `-A`, `include`, `imports` and `autodiscover_tasks` through such
    imports, and in Django through `INSTALLED_APPS` of the settings that the application names, or of all
    settings. Where `include` names modules from a folder above that of the application
    (`backend.shop.orders` beside `shop.celery`), a worker needs both. What `include` itself names is told by
    `include-module-missing`, what `-A` names by `application-not-found`. Of attributes those of
    enumerations, and of objects that a module keeps of models of pydantic, or of classes that derive from
    nothing while nobody sets attributes by names that only the run knows: those in capitals, asked for at
    the margin of the module, in a call or by a name that is bound. Says nothing of packages that are
    installed, and of other objects. Where more than ten imports fail, nobody has ever started the whole: it
    tells those of the module that is imported first, and other rules are silent about what cannot be
    imported. Of circular imports it tells the first that a worker comes to, where the order is known: no
    module in the circle is imported before under a condition, in a `try` or by a call.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#imports>
    """

    code = "CEL737"
    name = "worker-import-fails"
    severity = "error"
    preset = "recommended"
    even_unsent = "the worker ends whatever is sent to it"
    message = "`{path}` has no `{name}`: the worker ends at start with ImportError"
    help = "define `{name}` there, or correct the import"
    variants = {
        "module": (
            "there is no module `{name}`: the worker ends at start with ModuleNotFoundError",
            "correct the import, or write the module",
        ),
        "passed": (
            "there is no module `{name}`: `autodiscover_tasks` skips this module",
            "correct the import, or write the module",
        ),
        "shorter": (
            "there is no module `{name}`: the worker ends at start with ModuleNotFoundError",
            "the worker imports this module as `{module}`: write the whole name in the import, too",
        ),
        "beyond": (
            "`{name}` leads out of `{top}`: the worker ends at start with ImportError",
            "the worker imports this module as `{module}`: import from there without the dots",
        ),
        "attribute": (
            "`{owner}` has no `{name}`: the worker ends at start with AttributeError",
            "define `{name}` in `{path}`, or write the name that is there",
        ),
        "like": (
            "`{owner}` has no `{name}`: the worker ends at start with AttributeError",
            "write `{owner}.{like}`: so it is called in `{path}`",
        ),
        "circle": (
            "circular import: `{path}` has no `{name}` yet, and the worker ends at start",
            "bind `{name}` above the import that leads back here, or import it in the function that needs it",
        ),
    }
    proof = "tests/proofs/test_wiring.py::test_a_worker_ends_at_an_import_that_fails"

    @on(FailedImports.all)
    def check(self, fact: FailedImport) -> Iterator[Finding]:
        """Report the import, with the way by which a worker gets there."""
        related = told(fact.ways)
        if fact.behind:
            related += ((fact.place, f"behind it {fact.behind} more imports fail"),)
        if fact.shorter:
            values = {"name": fact.shorter.partition(".")[0], "module": fact.module}
            yield Finding(fact.place, values, related, "shorter")
        elif fact.missing is None:
            values = {"name": fact.beyond, "top": fact.module.partition(".")[0], "module": fact.module}
            yield Finding(fact.place, values, related, "beyond")
        else:
            missing = fact.missing
            values = {"path": missing.path, "name": missing.module or missing.name}
            variant = "passed" if fact.passed else "module" if missing.module else ""
            cause = Cause((missing.path, missing.name))
            yield Finding(fact.place, values, related, variant, cause=cause)

    @on(FailedAttributes.all)
    def check_attribute(self, fact: FailedAttribute) -> Iterator[Finding]:
        """Report the statement that asks for an attribute in vain."""
        values = {"owner": fact.owner, "name": fact.name, "like": fact.like, "path": fact.path}
        variant, cause = "like" if fact.like else "attribute", Cause((fact.path, fact.name))
        yield Finding(fact.place, values, told(fact.ways), variant, cause=cause)

    @on(Circles.all)
    def check_circle(self, fact: Circle) -> Iterator[Finding]:
        """Report the import of a name that its module has not come to, with the way that leads there."""
        values = {"path": fact.module.path, "name": fact.name}
        yield Finding(
            fact.place, values, fact.related(), "circle", cause=Cause((fact.module.path, fact.name))
        )
