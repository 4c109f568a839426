"""CEL224 thread-outlives-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.threads import LooseThread, Threads
from celery_lint.rule import Finding, Rule, on


class ThreadOutlivesTask(Rule):
    """A task starts a thread and returns without waiting for it.

    ## Why it matters

    The task is a success before its work is done, and an error in the thread reaches nobody. A process of a
    prefork worker does not wait for threads, daemons or not: when the worker stops or the process has done
    its share of tasks (`worker_max_tasks_per_child`), the work is lost without a word.

    ## Example

    ```python
    import threading

    from celery import shared_task


    def send(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def notify(pk):
        threading.Thread(target=send, args=(pk,)).start()
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def send(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def notify(pk):
        send.delay(pk)
    ```

    ## Limits

    Looks for `threading.Thread` and `Timer` that are started and not touched again, and for work that is
    submitted to a `ThreadPoolExecutor` that nobody shuts down, with the result thrown away. Silent where
    the thread is kept, handed on, joined or cancelled, where the function makes an event or a queue to talk
    to it, for an optional way that a parameter of a called function opens, and for one that constants close.
    Where the pools are known and none is prefork, it speaks of daemons only: such workers wait for other
    threads.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#max-tasks-per-child-setting>
    * <https://docs.python.org/3/library/threading.html#thread-objects>
    """

    code = "CEL224"
    name = "thread-outlives-task"
    severity = "warning"
    preset = "strict"
    message = "the thread can outlive task `{task}` and is lost when its process ends"
    help = "do the work in the task, join the thread, or send another task"
    variants = {
        "work": (
            "nothing waits for this work: it can outlive task `{task}` and be lost",
            "use the executor in a `with` block, or send another task",
        ),
    }
    proof = "tests/proofs/test_resources.py::test_a_thread_dies_with_its_process"

    @on(Threads.loose)
    def check(self, thread: LooseThread) -> Iterator[Finding]:
        """Report where the thread is made, or its work submitted."""
        variant = "work" if thread.name.endswith("submit") else ""
        values = {"task": thread.site.tasks[0].label}
        yield Finding(thread.place, values, thread.site.related(), variant)
