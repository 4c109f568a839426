"""CEL726 queue-not-consumed."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.unconsumed import Unconsumed, UnconsumedQueues
from celery_lint.model.commands import WorkerCommand
from celery_lint.rule import Finding, Rule, on

_SHOWN = 3


class QueueNotConsumed(Rule):
    """A task is sent to a queue that no worker consumes.

    ## Why it matters

    A worker whose command names no queues (`-Q`) consumes those of `task_queues`, or else the default queue
    alone: routes do not add to it, and a default queue that `task_queues` does not name is left alone, too.
    The broker takes the message and keeps it. Nothing fails and nothing is logged; the task never runs, and
    the queue grows.

    ## Example

    ```python
    # shop.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)
    app.conf.task_routes = {"shop.*": {"queue": "mails"}}


    @app.task(name="shop.send", ignore_result=True)
    def send():
        print("sent")


    def view():
        send.delay()


    if __name__ == "__main__":
        app.worker_main(["worker"])
    ```

    ## Use instead

    ```python
    # shop.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)
    app.conf.task_routes = {"shop.*": {"queue": "mails"}}


    @app.task(name="shop.send", ignore_result=True)
    def send():
        print("sent")


    def view():
        send.delay()


    if __name__ == "__main__":
        app.worker_main(["worker", "--queues=celery,mails"])
    ```

    ## Limits

    Speaks of tasks of the project that it sends or schedules itself, also in a canvas that it sends where it
    makes it, once a file that names queues. A message that `send_task` or beat sends by a name goes where
    the routes and the default queue of that very application say (`client = Celery("api")` in a service
    without the tasks), not those of the workers. An application that a function makes to send a name
    (`Celery("sender", broker=url).send_task("shop.mail")`) has no routes and sends to `celery`. All workers
    of the launch files count together, and so do the queues that code names in commands
    (`subprocess.run(["celery", "worker", "-Q", "mails"])`). The `CMD` of an image counts unless every
    deployment that the project shows gives another command. A compose file counts by itself where it
    certainly is a whole deployment: it starts the broker or the web process and workers (be it by the `CMD`
    of an image that it builds), is not for development, needs no other file, and nothing but manifests of
    Kubernetes, files of platforms and other such compose files starts workers besides. It is silent where a
    pipeline or a script starts the product with a file that is not there (`docker compose -f
    compose.prod.yml up`, `kubectl apply -f k8s/`, `systemctl restart celery-mails`), unless it has copied
    it there from one that is, or pushes images of workers that no file here starts, where no launch file
    starts a worker of the application, where nothing imports the module that names the queue, where all
    workers are for development by the names of their files (`compose.dev.yml`, a `Makefile`) or by the
    comment at their top (unless a compose file is all there is, and no task at all is sent where its
    workers look), where a command takes its queues from the environment, where all of them are told their
    queues by files that start one process each (a `Dockerfile`, a unit of systemd), of queues for dead
    letters (`dlq`, or named by `x-dead-letter-routing-key`), which are looked into by hand, where code
    calls `add_consumer`, and where settings, routes or queues are only known at run time.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/routing.html>
    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#queues>
    """

    code = "CEL726"
    name = "queue-not-consumed"
    severity = "error"
    preset = "recommended"
    message = "no worker consumes the queue `{queue}`: `{task}` never runs"
    help = "start a worker with `-Q {consumed}`, or name `{queue}` in `task_queues`"
    variants = {
        "told": (
            "no worker consumes the queue `{queue}`: `{task}` never runs",
            "add `{queue}` to the `-Q` of a worker",
        ),
        "several": (
            "no worker consumes the queue `{queue}`, nor {more} more: `{task}` never runs",
            "start a worker with `-Q {consumed}`, or name them in `task_queues`",
        ),
        "apart": (
            "no worker of `{file}` consumes the queue `{queue}`: `{task}` never runs",
            "add `{queue}` to the `-Q` of one of its workers",
        ),
        "default": (
            "no worker of `{file}` consumes the queue `{queue}`: `{task}` never runs",
            "start one of its workers with `-Q {consumed}`",
        ),
    }
    proof = "tests/proofs/test_wiring.py::test_a_worker_leaves_queues_alone_that_it_is_not_told"

    @on(UnconsumedQueues.unconsumed)
    def check(self, fact: Unconsumed) -> Iterator[Finding]:
        """Report what names the first of the queues, pointing at the others and at the workers."""
        first, *others = fact.queues
        missing = [waiting.queue for waiting in fact.queues]
        told = all(worker.queues for worker in fact.workers)
        values = {
            "queue": first.queue,
            "task": first.task.label,
            "more": len(others),
            "file": fact.apart.rpartition("/")[2],
            "consumed": ",".join([*fact.consumed, *missing]),
        }
        related = [(other.place, f"nor `{other.queue}`") for other in others[:_SHOWN]]
        if first.sent != first.place:
            related.append((first.sent, "it is sent here"))
        related += [(worker.place, _consumes(worker)) for worker in fact.workers[:_SHOWN]]
        if fact.apart:
            variant = "apart" if any(worker.queues for worker in fact.workers) else "default"
        else:
            variant = "several" if others else "told" if told else ""
        yield Finding(first.place, values, tuple(related), variant)


def _consumes(worker: WorkerCommand) -> str:
    if worker.queues:
        return f"this worker consumes `{worker.queues}`"
    return "this worker is told no queues"
