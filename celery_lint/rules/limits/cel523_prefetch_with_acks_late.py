"""CEL523 prefetch-with-acks-late."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.acknowledgement import Acknowledgement, GreedyPrefetch
from celery_lint.rule import Finding, Rule, on


class PrefetchWithAcksLate(Rule):
    """An application acknowledges late, and its workers take four messages in advance for each process.

    ## Why it matters

    With late acknowledgement a message belongs to its worker until the task is done. By default a worker
    takes four for each of its processes, and gives them to the first process that is free. While long tasks
    keep all of them busy, the messages behind wait for this worker, although other workers are idle, and on
    Redis the visibility timeout of the waiting ones runs too.

    ## Example

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")
    app.conf.update(task_acks_late=True)
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")
    app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1)
    ```

    ## Limits

    Only for the setting `task_acks_late`, and only where neither a setting nor a worker command says how much
    is taken: any `worker_prefetch_multiplier` counts as a decision. Many short tasks are quicker with more
    than one, so that this is for those who run long ones, on more than one worker.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/optimizing.html#reserve-one-task-at-a-time>
    """

    code = "CEL523"
    name = "prefetch-with-acks-late"
    severity = "advice"
    preset = "strict"
    message = "a worker takes four messages a process: behind long tasks they wait, though others idle"
    help = "set `worker_prefetch_multiplier = 1`"
    proof = "convention"

    @on(Acknowledgement.prefetches)
    def check(self, fact: GreedyPrefetch) -> Iterator[Finding]:
        """Report the setting that acknowledges late."""
        yield Finding(fact.place)
