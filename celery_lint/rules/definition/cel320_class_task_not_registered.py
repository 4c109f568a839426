"""CEL320 class-task-not-registered."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.never_registered import ClassTasks, NeverRegistered
from celery_lint.rule import Finding, Rule, on


class ClassTaskNotRegistered(Rule):
    """A class of tasks is sent, and nobody gives it to an application.

    ## Why it matters

    Since Celery 4 a class that derives from `Task` is no task of an application until somebody registers an
    object of it. Sending works all the same; the worker logs *Received unregistered task* and throws the
    message away.

    ## Example

    ```python
    from celery import Celery, Task

    app = Celery("shop", broker="redis://localhost:6379/0")


    class Notify(Task):
        name = "shop.notify"
        ignore_result = True

        def run(self, order):
            print(order)


    def order_placed(order):
        Notify().delay(order)
    ```

    ## Use instead

    ```python
    from celery import Celery, Task

    app = Celery("shop", broker="redis://localhost:6379/0")


    class Notify(Task):
        name = "shop.notify"
        ignore_result = True

        def run(self, order):
            print(order)


    notify = app.register_task(Notify())


    def order_placed(order):
        notify.delay(order)
    ```

    ## Limits

    Speaks where all files of the project say the class only to define, to import and to send it. Is silent
    where a class of the project that it derives from has a metaclass or makes its objects itself, where
    anything goes through classes that derive from another one, and where Celery is older than 4.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#custom-task-classes>
    """

    code = "CEL320"
    name = "class-task-not-registered"
    severity = "error"
    preset = "recommended"
    message = "no application has `{task}`: workers discard what is sent"
    help = "register an object of it, as with `app.register_task({task}())`"
    proof = "tests/proofs/test_wiring.py::test_a_class_task_that_nobody_registers_is_unknown"

    @on(ClassTasks.all)
    def check(self, fact: NeverRegistered) -> Iterator[Finding]:
        """Report the class, pointing at what sends its task."""
        related = tuple((place, "sent here") for place in fact.senders[:3])
        yield Finding(fact.task.place, {"task": fact.task.label}, related)
