"""CEL710 unknown-task-name."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.named_tasks import NamedTasks, UnknownName
from celery_lint.rule import Finding, Rule, on


class UnknownTaskName(Rule):
    """A message is sent by name, and no task has that name.

    ## Why it matters

    The worker logs *Received unregistered task* and throws the message away; nothing tries it again. Who sent
    it learns of that only if it asks for the result.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", backend="redis://localhost:6379/1")


    @app.task(name="shop.rebuild_index", time_limit=60, soft_time_limit=50)
    def rebuild_index():
        print("rebuilt")


    def after_upload():
        app.send_task("shop.rebuild_indx")
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0", backend="redis://localhost:6379/1")


    @app.task(name="shop.rebuild_index", time_limit=60, soft_time_limit=50)
    def rebuild_index():
        print("rebuilt")


    def after_upload():
        app.send_task("shop.rebuild_index")
    ```

    ## Limits

    A name may belong to another service. So this speaks only where the name begins with a module of the
    project that has no such task, or is the name of a task but for one or two letters. It says nothing where
    a file of the project could not be read, where the name of any task is computed, and where an application
    is of a class that nobody can see.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html>
    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#names>
    """

    code = "CEL710"
    name = "unknown-task-name"
    severity = "error"
    preset = "recommended"
    message = "no task is named `{name}`: workers log `Received unregistered task`"
    help = "did you mean `{guess}`?"
    variants = {
        "nameless": (
            "no task is named `{name}`: workers log `Received unregistered task`",
            "correct the name, or define a task with it",
        ),
        "function": (
            "no task is named `{name}`: workers log `Received unregistered task`",
            "its module has a function of that name, and nothing makes a task of it",
        ),
        "renamed": (
            "no task is named `{name}`: workers log `Received unregistered task`",
            "the task has a name of its own: `{guess}`",
        ),
        "elsewhere": (
            "no task is named `{name}`: workers log `Received unregistered task`",
            "a task is named for the module that defines it: `{guess}`",
        ),
    }
    of_senders = True
    proof = "tests/proofs/test_wiring.py::test_a_message_for_a_name_that_no_task_has_is_thrown_away"
    fixable = "unsafe"

    @on(NamedTasks.sent)
    def check(self, fact: UnknownName) -> Iterator[Finding]:
        """Report the call."""
        values = {"name": fact.name, "guess": fact.missing.guess}
        why = fact.missing.why
        variant = why if why in self.variants else "" if fact.missing.guess else "nameless"
        fix = (fact.name, fact.missing.guess) if fact.missing.guess else None
        yield Finding(fact.place, values, (), variant, fix)
