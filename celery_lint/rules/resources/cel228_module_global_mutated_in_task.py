"""CEL228 module-global-mutated-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.process_state import ModuleValue, ProcessState
from celery_lint.rule import Finding, Rule, on


class ModuleGlobalMutatedInTask(Rule):
    """A task collects values in its module, of which every worker process has its own copy.

    ## Why it matters

    Each process of a worker, and each worker, has modules of its own. What one task adds, the next one
    finds only if it happens to run in the same process, the web server never, and all is gone when the
    process is replaced. Until then the list grows with each task.

    ## Example

    ```python
    from celery import shared_task

    failed = []


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        failed.append(pk)
    ```

    ## Use instead

    ```python
    import redis
    from celery import shared_task

    client = redis.Redis()


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        client.sadd("failed", pk)
    ```

    ## Limits

    Looks at tasks and the functions of their module: additions to lists, sets and dictionaries at module
    level, and names declared `global`. Silent where the function reads the value as well: then it is a
    cache, a memo or a count that is meant for one process.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#state>
    """

    code = "CEL228"
    name = "module-global-mutated-in-task"
    severity = "advice"
    preset = "strict"
    message = "only this worker process sees this write to the global `{value}`"
    help = "keep what tasks share in the database or in Redis"
    proof = "tests/proofs/test_resources.py::test_each_process_remembers_for_itself"

    @on(ProcessState.values)
    def check(self, changed: ModuleValue) -> Iterator[Finding]:
        """Report the change."""
        yield Finding(changed.place, {"value": changed.name}, changed.site.related())
