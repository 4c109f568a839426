"""CEL223 multiprocessing-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.processes import ChildProcess, Processes
from celery_lint.rule import Finding, Rule, on


class MultiprocessingInTask(Rule):
    """A task starts processes with `multiprocessing`, which a prefork worker does not allow.

    ## Why it matters

    The processes of a prefork worker are daemons, and `multiprocessing` refuses to start a child from a
    daemon: `AssertionError: daemonic processes are not allowed to have children`. The task fails each time.
    It makes no difference whether the child is forked or spawned, or comes from `ProcessPoolExecutor`,
    `Pool` or `Manager`.

    ## Example

    ```python
    from concurrent.futures import ProcessPoolExecutor

    from celery import shared_task


    def measure(path):
        return len(path)


    @shared_task(soft_time_limit=50, time_limit=60)
    def measure_all(paths):
        with ProcessPoolExecutor() as executor:
            return list(executor.map(measure, paths))
    ```

    ## Use instead

    ```python
    from celery import group, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def measure(path):
        return len(path)


    @shared_task(soft_time_limit=50, time_limit=60)
    def measure_all(paths):
        group(measure.s(path) for path in paths).apply_async()
    ```

    ## Limits

    Looks at functions that tasks call, three calls deep. Silent where the pools are known and none is
    prefork, where the code catches `AssertionError` or asks for `multiprocessing.current_process()`, and
    for an optional way that a parameter opens and no caller gives as `True`, or that constants close.
    `billiard`, `subprocess` and threads work. joblib notices where it is, warns and does the work in
    one process. `PYTHONOPTIMIZE` removes the assertion.

    ## References

    * <https://docs.python.org/3/library/multiprocessing.html#multiprocessing.Process.daemon>
    * <https://github.com/celery/celery/issues/4525>
    * <https://github.com/celery/celery/issues/1709>
    """

    code = "CEL223"
    name = "multiprocessing-in-task"
    severity = "error"
    preset = "recommended"
    message = "`{call}` fails in a prefork worker: its processes may not have children"
    help = "split the work with `group`, use threads, or write `billiard` instead of `multiprocessing`"
    proof = "tests/proofs/test_resources.py::test_prefork_processes_have_no_children"

    @on(Processes.children)
    def check(self, child: ChildProcess) -> Iterator[Finding]:
        """Report the call that starts processes."""
        yield Finding(child.place, {"call": child.name}, child.site.related())
