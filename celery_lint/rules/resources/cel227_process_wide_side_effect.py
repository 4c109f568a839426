"""CEL227 process-wide-side-effect."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.process_state import ProcessChange, ProcessState
from celery_lint.rule import Finding, Rule, on


class ProcessWideSideEffect(Rule):
    """A task changes its whole process and does not take it back.

    ## Why it matters

    A worker process runs many tasks. The working directory, the environment, the locale, the language that
    Django has active, the default timeout of sockets and the state of `random` are one for all of them:
    what a task sets, every later task of the process finds, and which tasks these are changes from day to
    day.

    ## Example

    ```python
    import os

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def build(folder):
        os.chdir(folder)
        return os.listdir()
    ```

    ## Use instead

    ```python
    import os

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def build(folder):
        return os.listdir(folder)
    ```

    ## Limits

    Looks at functions that tasks call, three calls deep. Silent where the function undoes or repeats the
    change later, in context managers, for a fixed seed or folder, for environment variables that get a fixed
    value, and where `worker_max_tasks_per_child` or `--max-tasks-per-child` is 1. Not in `recommended`: the
    tasks that follow often do not care.

    ## References

    * <https://docs.python.org/3/library/contextlib.html#contextlib.chdir>
    * <https://docs.djangoproject.com/en/stable/ref/utils/#django.utils.translation.override>
    """

    code = "CEL227"
    name = "process-wide-side-effect"
    severity = "advice"
    preset = "strict"
    message = "`{call}` changes the whole process, and with it every later task"
    help = "restore it in a `finally`, or pass the value where it is needed"
    proof = "tests/proofs/test_resources.py::test_the_next_task_is_in_another_folder"

    @on(ProcessState.changes)
    def check(self, change: ProcessChange) -> Iterator[Finding]:
        """Report the call or assignment that changes the process."""
        yield Finding(change.place, {"call": change.name.rpartition("utils.")[2]}, change.site.related())
