"""CEL728 application-not-imported."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.unimported_applications import UnimportedApplication, UnimportedApplications
from celery_lint.rule import Finding, Rule, on


class ApplicationNotImported(Rule):
    """Shared tasks are sent by processes that never import the application.

    ## Why it matters

    `shared_task` belongs to whatever application the process has. A worker imports the one that `-A` names;
    a web server or a command of Django does not, unless something in the project imports it. There Celery
    makes an application without any settings, and `delay()` looks for RabbitMQ on this machine: it raises
    `kombu.exceptions.OperationalError: [Errno 111] Connection refused`, or sends where no worker listens.

    ## Example

    ```python
    # shop/__init__.py

    # shop/celery.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", include=["shop.mails"])
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)


    # shop/mails.py
    from celery import shared_task


    @shared_task(ignore_result=True)
    def send():
        print("sent")


    # shop/views.py
    from shop.mails import send


    def view():
        send.delay()
    ```

    ## Use instead

    ```python
    # shop/__init__.py
    from shop.celery import app as celery_app

    __all__ = ["celery_app"]

    # shop/celery.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", include=["shop.mails"])
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)


    # shop/mails.py
    from celery import shared_task


    @shared_task(ignore_result=True)
    def send():
        print("sent")


    # shop/views.py
    from shop.mails import send


    def view():
        send.delay()
    ```

    ## Limits

    Speaks of the only application of a project, in a module of a package whose name holds `celery`, where
    nothing but tests imports that module, or modules which only the application is told to load (`include`)
    and nothing else imports. Silent where its broker is that of the variable `CELERY_BROKER_URL`, which any
    application reads (also by a field of pydantic's settings, where files of the deployment give the
    variable), `None`, or RabbitMQ on this machine; where the settings are hidden, where a container of
    dependency-injector may import the module (`WiringConfiguration(packages=["shop"])`), and where only tasks
    send the task.

    ## References

    * <https://docs.celeryq.dev/en/stable/django/first-steps-with-django.html>
    """

    code = "CEL728"
    name = "application-not-imported"
    severity = "error"
    preset = "recommended"
    message = "nothing but a worker imports this application: `{task}.{how}()` has no broker"
    help = "import it where every process comes by: `from .{module} import {name}` in `{package}`"
    proof = "tests/proofs/test_wiring.py::test_a_shared_task_without_an_application_has_no_broker"

    @on(UnimportedApplications.unimported)
    def check(self, fact: UnimportedApplication) -> Iterator[Finding]:
        """Report the application, pointing at what sends a task without it."""
        folder, _, name = fact.application.module.path.removesuffix(".py").rpartition("/")
        values = {
            "task": fact.task.label,
            "how": fact.sending.how,
            "module": name,
            "name": fact.application.origin[1],
            "package": f"{folder}/__init__.py",
        }
        related = ((fact.sending.place, "sent by a process that does not import it"),)
        yield Finding(fact.application.place, values, related)
