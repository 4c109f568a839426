"""CEL829 periodic-setup-too-late."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.late_handlers import LateHandler, LateHandlers
from celery_lint.rule import Finding, Rule, on


class PeriodicSetupTooLate(Rule):
    """A handler of `on_after_configure` stands in a module that is loaded after the signal.

    ## Why it matters

    Celery reads its settings, sends `on_after_configure`, and only then imports what `include`, `imports` and
    `autodiscover_tasks` name. A handler in one of these modules is connected too late and never called:
    `add_periodic_task` in it schedules nothing, and nothing says so.

    ## Example

    ```python
    # shop/__init__.py

    # shop/celery.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", include=["shop.mails"])
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)


    # shop/mails.py
    from shop.celery import app


    @app.task(ignore_result=True)
    def send():
        print("sent")


    @app.on_after_configure.connect
    def schedule(sender, **kwargs):
        sender.add_periodic_task(60.0, send.s())
    ```

    ## Use instead

    ```python
    # shop/__init__.py

    # shop/celery.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", include=["shop.mails"])
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)


    # shop/mails.py
    from shop.celery import app


    @app.task(ignore_result=True)
    def send():
        print("sent")


    @app.on_after_finalize.connect
    def schedule(sender, **kwargs):
        sender.add_periodic_task(60.0, send.s())
    ```

    ## Limits

    Silent where the module of the application imports the handler's module on any way, also within a
    function, where only the run knows what is imported, and where nothing is seen to load the handler's
    module.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#entries>
    * <https://github.com/celery/celery/issues/3589>
    """

    code = "CEL829"
    name = "periodic-setup-too-late"
    severity = "error"
    preset = "recommended"
    message = "`{name}` never runs: `on_after_configure` is sent before this module is loaded"
    help = "connect it to `on_after_finalize`"
    proof = "tests/proofs/test_schedules.py::test_a_module_that_is_loaded_late_misses_the_configuration"

    @on(LateHandlers.late)
    def check(self, fact: LateHandler) -> Iterator[Finding]:
        """Report the handler, pointing at what loads its module."""
        related = ((fact.loaded, "its module is loaded by this, once all is configured"),)
        yield Finding(fact.place, {"name": fact.name}, related)
