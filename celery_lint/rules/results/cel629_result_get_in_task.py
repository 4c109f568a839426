"""CEL629 result-get-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.results.result_reads import ResultReads, WaitInTask
from celery_lint.rule import Finding, Rule, on


class ResultGetInTask(Rule):
    """A task waits for the result of another.

    ## Why it matters

    If all processes of a worker wait like this, nobody is left to run what they wait for. So Celery refuses:
    in the pools prefork, solo and threads, `get()` within a task raises `RuntimeError: Never call
    result.get() within a task!`, and the task fails each time. That is so for `join()`, for groups and for
    `AsyncResult(id).get()`, and for `apply().get()`, which would not have to wait.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def fetch(url):
        return len(url)


    @shared_task(soft_time_limit=50, time_limit=60)
    def measure(url):
        print(fetch.delay(url).get(timeout=10))
    ```

    ## Use instead

    ```python
    from celery import chain, shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def fetch(url):
        return len(url)


    @shared_task(soft_time_limit=50, time_limit=60)
    def show(size):
        print(size)


    def measure(url):
        chain(fetch.s(url), show.s()).delay()
    ```

    ## Limits

    Looks at tasks, and at the functions that only tasks call; told once for each, as the first ends the task.
    Follows results in lists, dictionaries, comprehensions, `zip()` and `enumerate()`, and into a function
    that is given one, or a list of them.
    Silent of a task that nothing sends in a project that sends others, and of one that asks for the result of
    an id and that nothing names (a handler of errors that nobody links), under `allow_join_result()`, with
    `disable_sync_subtasks`, where a condition looks at the result first, and where the pools are known and
    none of them refuses: gevent and eventlet wait, and others run meanwhile.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#avoid-launching-synchronous-subtasks>
    """

    code = "CEL629"
    name = "result-get-in-task"
    severity = "error"
    preset = "recommended"
    message = "`{call}` raises `RuntimeError: Never call result.get() within a task!` here"
    help = "send what comes next as a task: `chain(…, next_task.s())`, or as the body of a `chord`"
    proof = "tests/proofs/test_calls.py::test_a_task_must_not_wait_for_another"

    @on(ResultReads.waits)
    def check(self, fact: WaitInTask) -> Iterator[Finding]:
        """Report the call that waits, pointing at the task that comes here and at the pool."""
        related = [*fact.site.related()]
        if fact.waited_for is not None:
            related.append((fact.waited_for.place, f"waits for task `{fact.waited_for.label}`"))
        if fact.pool is not None and fact.pool.place.path:
            related.append((fact.pool.place, f"the worker runs the pool {fact.pool.name}"))
        yield Finding(fact.place, {"call": f"{fact.call.leaf()}()"}, tuple(related))
