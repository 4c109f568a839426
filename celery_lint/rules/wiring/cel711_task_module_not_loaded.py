"""CEL711 task-module-not-loaded."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.unloaded import Unloaded, UnloadedTasks
from celery_lint.rule import Cause, Finding, Rule, on


class TaskModuleNotLoaded(Rule):
    """No worker imports the module of a task, so that none knows the task.

    ## Why it matters

    Whoever sends the task imports its module, so that sending works. The worker has never heard of the task,
    logs *Received unregistered task* and throws the message away.

    ## Example

    ```python
    # shop.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)

    if __name__ == "__main__":
        app.worker_main(["worker"])

    # reports.py
    from celery import shared_task


    @shared_task(ignore_result=True)
    def weekly():
        print("weekly")


    # views.py
    from reports import weekly


    def view():
        weekly.delay()
    ```

    ## Use instead

    ```python
    # shop.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", include=["reports"])
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)

    if __name__ == "__main__":
        app.worker_main(["worker"])

    # reports.py
    from celery import shared_task


    @shared_task(ignore_result=True)
    def weekly():
        print("weekly")


    # views.py
    from reports import weekly


    def view():
        weekly.delay()
    ```

    ## Limits

    Speaks only of tasks that the project itself sends, and only where everything that workers import can be
    followed: from the application that a launch file names with `-A` (or that calls `worker_main`), through
    `include`, `imports`, `autodiscover_tasks` and all imports of these. Imports within functions count
    there. In Django projects, whose workers import the views when they start, it speaks of modules that
    nothing imports but functions that send tasks, and that no search finds. Where nothing at all says how
    workers are started it speaks of the only application, if that searches the very package in vain, or
    lists modules that stand beside this one, and nothing that imports it imports the module. Where only a
    schedule of the module itself names the task, beat has not got that either, and nobody sends the task. Of
    a module that takes from another what that certainly lacks it says so, unless whoever sends the task
    cannot be imported either. Silent where another framework scans packages (Pyramid, venusian,
    dependency-injector and the like); where a worker of another application is started, where a module is
    imported by a name that only the run knows or by an entry point, and where a file could not be read, or
    holds an `await` outside of `async def`, which ends its import. A task within a function is made by who
    calls that: it says nothing of it. Silent for a program (`if __name__ == "__main__"`) that sends a task
    of its own, and of a module that only sends to itself and that nothing imports, or only by another name;
    what a handler of an application's signal schedules there is never sent. Of several modules in a package
    where `autodiscover_tasks` finds nothing one is told, with the places of the others; so it is where one
    imports the others, or where the application lists no modules at all.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#imports>
    * <https://docs.celeryq.dev/en/stable/reference/celery.html#celery.Celery.autodiscover_tasks>
    """

    code = "CEL711"
    name = "task-module-not-loaded"
    severity = "error"
    preset = "recommended"
    even_unsent = "that no worker imports it is what the rule says"
    message = "no worker imports `{module}`: `{task}` becomes `Received unregistered task`"
    help = "add `{module}` to `include` of the application"
    variants = {
        "unscheduled": (
            "neither worker nor beat imports `{module}` and its schedule: `{task}` is never sent",
            "add `{module}` to `include` of the application",
        ),
        "too_late": (
            "neither worker nor beat imports `{module}` and its schedule: `{task}` is never sent",
            "add `{module}` to `include`, and connect the handler to `on_after_finalize`",
        ),
        "lacking": (
            "no worker imports `{module}`, which needs a missing `{lacking}`: `{task}` never runs",
            "correct the import, and add `{module}` to `include` of the application",
        ),
        "misled": (
            "no worker imports `{module}`: `{task}` becomes `Received unregistered task`",
            "`autodiscover_tasks` takes `{config}` for a package: call it without arguments",
        ),
        "discovered": (
            "no worker imports `{module}`: `{task}` becomes `Received unregistered task`",
            "`autodiscover_tasks` looks for `{looked_for}` only: add `{module}` to `include`",
        ),
    }
    proof = "tests/proofs/test_wiring.py::test_a_worker_does_not_know_what_it_does_not_import"

    @on(UnloadedTasks.unloaded)
    def check(self, fact: Unloaded) -> Iterator[Finding]:
        """Report the first task of the module."""
        values = {"module": fact.module, "task": fact.task.label, "looked_for": fact.discovery}
        values["config"] = fact.misled.name if fact.misled is not None else ""
        variant = "misled" if fact.misled else "discovered" if fact.discovery else ""
        if fact.unscheduled:
            variant = "too_late" if fact.too_late else "unscheduled"
        if fact.lacking is not None:
            variant, values["lacking"] = "lacking", fact.lacking[0]
        said = "beat never sees this" if fact.unscheduled else "it is sent here"
        related = ((fact.user, said), *(((fact.misled.place, _SEARCH),) if fact.misled else ()))
        if fact.lacking is not None:
            related = (*related, (fact.lacking[1], "this import fails"))
        yield Finding(fact.task.place, values, related, variant, cause=_cause(fact))


def _cause(fact: Unloaded) -> Cause | None:
    """What the module may have in common with others: a search in vain, or the list that both belong into."""
    search = fact.misled.place if fact.misled else fact.search
    if search is not None:
        return Cause((search, "" if fact.misled else fact.discovery))
    return Cause(*fact.reason) if fact.reason is not None else None


_SEARCH = "this looks for packages of these names"
