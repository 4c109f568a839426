"""CEL236 imported-before-set."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.taken_too_early import EarlyNames, TakenTooEarly
from celery_lint.model.facts import Place
from celery_lint.rule import Finding, Rule, on


class ImportedBeforeSet(Rule):
    """A module of tasks imports a name that is ``None`` until a function sets it.

    ## Why it matters

    `from shop.db import Session` takes what the name stands for at that moment. A worker imports the modules
    of its tasks when it starts, before any function has run. What `connect()` puts in the place of `None` by
    `global Session` is another object: the module of the tasks never sees it, and each run of the task ends
    with `TypeError: 'NoneType' object is not callable`, or with AttributeError. Nothing is wrong in the web
    application, where the module may be imported later, or in tests, which set the name themselves.

    ## Example

    ```python
    # shop/__init__.py

    # shop/db.py
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    Session = None


    def connect():
        global Session
        Session = sessionmaker(create_engine("postgresql://localhost/shop"))


    # shop/tasks.py
    from celery import Celery
    from celery.signals import worker_process_init

    from shop.db import Session, connect

    app = Celery("shop", broker="redis://localhost:6379/0")


    @worker_process_init.connect
    def begin(**options):
        connect()


    @app.task(ignore_result=True, time_limit=60, soft_time_limit=50)
    def close_orders():
        with Session() as session:
            session.commit()
    ```

    ## Use instead

    ```python
    # shop/__init__.py

    # shop/db.py
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    Session = None


    def connect():
        global Session
        Session = sessionmaker(create_engine("postgresql://localhost/shop"))


    # shop/tasks.py
    from celery import Celery
    from celery.signals import worker_process_init

    from shop import db

    app = Celery("shop", broker="redis://localhost:6379/0")


    @worker_process_init.connect
    def begin(**options):
        db.connect()


    @app.task(ignore_result=True, time_limit=60, soft_time_limit=50)
    def close_orders():
        with db.Session() as session:
            session.commit()
    ```

    ## Limits

    Knows names that a module binds to `None` and that only functions of it set by `global`, in modules that a
    worker certainly imports when it starts, at their top. Silent where anything else sets the name, where a
    module that workers import calls such a function meanwhile, be it by way of others, where a function that
    imports tasks does, a handler of `on_after_configure`, `on_configure` or `import_modules`, a
    loader, or `ready` of an application of Django, where it is handed to anything but another signal, and
    where who uses the name asks whether it is there, binds it again or is ready for the error. Told once for
    each import, at the import; other rules are silent behind such a use.

    ## References

    * <https://docs.python.org/3/reference/simple_stmts.html#the-import-statement>
    * <https://docs.celeryq.dev/en/stable/userguide/signals.html#worker-process-init>
    """

    code = "CEL236"
    name = "imported-before-set"
    severity = "error"
    preset = "recommended"
    message = "`{name}` is imported while it is `None`: `{use}()` raises TypeError"
    help = "import the module and write `{module}.{name}`, after `{setter}()` has run in the worker"
    variants = {
        "asked": (
            "`{name}` is imported while it is `None`: `{use}()` raises AttributeError",
            "import the module and write `{module}.{name}`, after `{setter}()` has run in the worker",
        )
    }
    proof = "tests/proofs/test_imports.py::test_a_name_that_is_set_later_stays_none_for_who_has_imported_it"

    @on(EarlyNames.all)
    def check(self, fact: TakenTooEarly) -> Iterator[Finding]:
        """Report the import, with the first use and what sets the name."""
        taken = fact.taken
        values = {
            "name": taken.name,
            "use": fact.use,
            "module": taken.home.path.removesuffix("/__init__.py").rpartition("/")[2].removesuffix(".py"),
            "setter": taken.setter.name,
        }
        related: tuple[tuple[Place, str], ...] = (
            (fact.place, f"task `{fact.tasks[0].label}` comes to this"),
            (taken.home.place(taken.setter.span), f"`{taken.setter.name}` sets the name of its own module"),
        )
        yield Finding(taken.place, values, related, "" if fact.called else "asked", runs=fact.tasks)
