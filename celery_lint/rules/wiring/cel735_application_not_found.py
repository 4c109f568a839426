"""CEL735 application-not-found."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.unloadable import Unloadable, UnloadableCommands
from celery_lint.inventory.application.lost.unloadable import Wrong
from celery_lint.rule import Finding, Rule, on

_SHOWN = 5


class ApplicationNotFound(Rule):
    """The command of a worker names a module that does not exist, or a name that the module does not have.

    ## Why it matters

    The worker ends before it starts, with `Error: Unable to load celery application. The module … was not
    found.` Where something starts it again and again, all that users see is that tasks wait.

    Of a module that `-A` names alone Celery takes what is called `app`, before it looks for `celery` or for
    any application. Where that is the application of Flask or FastAPI, the worker ends with `AttributeError:
    'Flask' object has no attribute 'user_options'`. What is called so and is a module itself, as `import
    shop.tasks` binds `shop`, it passes by; and where nothing else is an application, the worker ends as well.

    ## Example

    ```python
    # Procfile: worker: celery -A shop.celery:app worker

    # shop/__init__.py

    # shop/celery.py
    from celery import Celery

    application = Celery("shop", broker="redis://localhost:6379/0")
    application.conf.update(task_time_limit=60, task_soft_time_limit=50)
    ```

    ## Use instead

    ```python
    # Procfile: worker: celery -A shop.celery:application worker

    # shop/__init__.py

    # shop/celery.py
    from celery import Celery

    application = Celery("shop", broker="redis://localhost:6379/0")
    application.conf.update(task_time_limit=60, task_soft_time_limit=50)
    ```

    ## Limits

    Speaks of packages of the project that hold an application, whatever folder the worker is started in, of
    modules (`-A run.celery`) that import none from another package, of packages beside an application that
    hold none, and of names that nothing in the project has and no dependency resembles, where the service is
    built here, the file is a `Procfile`, or a service that is built here runs the script. It is told at the
    application, for launch files are no Python.
    Silent where another folder of the project has the module that the command names, for an image may hold it
    under that name, where the launch file lies in a project of its own (`shop/compose.yml` beside
    `shop/pyproject.toml`) that holds no such package, and where a variable is part of the name. Nor is
    anything said where only the run knows: `globals()["app"] = …`, `web.app = app` in another module, a loop
    that binds the name, a package that changes its `__path__`, and modules that code puts into `sys.modules`.
    Nor is anything said of services with an image of others, which nothing of the project builds.

    ## References

    * <https://docs.celeryq.dev/en/stable/getting-started/next-steps.html#about-the-app-argument>
    """

    code = "CEL735"
    name = "application-not-found"
    severity = "error"
    preset = "recommended"
    even_unsent = "the command fails whatever is sent"
    message = "`-A {named}` names no module: `Unable to load celery application`"
    help = "write `-A {meant}` in `{path}`"
    variants = {
        "attribute": (
            "`-A {named}` names nothing in it: `Unable to load celery application`",
            "write `-A {meant}` in `{path}`",
        ),
        "import": (
            "`-A {named}` names nothing in it: `Unable to load celery application`",
            "import the application there, or write `-A {meant}` in `{path}`",
        ),
        "none": (
            "`-A {named}` leads to no application: `Unable to load celery application`",
            "write `-A {meant}` in `{path}`",
        ),
        "hidden": (
            "`-A {named}` leads to no application: `Unable to load celery application`",
            "move `{home}` into the package: where it is, it hides Celery itself",
        ),
        "web": (
            "`-A {named}` takes `app`, which is no Celery: `object has no attribute 'user_options'`",
            "write `-A {meant}` in `{path}`",
        ),
        "function": (
            "`-A {named}` is a function: the worker ends with `no attribute 'user_options'`",
            "call it at the top of its module, `app = {name}()`, and let `-A` name that",
        ),
    }
    proof = "tests/proofs/test_wiring.py::test_a_worker_ends_where_there_is_no_application"

    @on(UnloadableCommands.unloadable)
    def check(self, fact: Unloadable) -> Iterator[Finding]:
        """Report the application that is meant, pointing at the commands."""
        command = fact.first.command
        home = fact.place.path
        values = {"named": command.app, "meant": fact.meant, "path": command.path, "home": home}
        values["name"] = command.app.replace(":", ".").rpartition(".")[2]
        wrong = (fact.first, *fact.others)[:_SHOWN]
        related = tuple([(each.command.place, _says(each)) for each in wrong])
        why = fact.first.why
        variant = "hidden" if why == "none" and fact.meant.startswith("celery:") else why
        yield Finding(fact.place, values, related, variant if variant in self.variants else "")


def _says(wrong: Wrong) -> str:
    if wrong.why == "web":
        return f"Celery takes what `{wrong.command.app}` has as `app`, before it looks for anything else"
    if wrong.why in ("attribute", "import"):
        return f"the module of `{wrong.command.app}` has no such name"
    if wrong.why == "function":
        return "Celery does not call what it finds"
    if wrong.why == "none":
        return f"`{wrong.command.app}` is a module, of which nothing is an application"
    return f"no module is named `{wrong.command.app}`"
