"""CEL216 client-not-fork-safe."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.early_clients import EarlyClient, EarlyClients
from celery_lint.rule import Finding, Rule, on


class ClientNotForkSafe(Rule):
    """A client that does not survive a fork is made when the module is imported.

    ## Why it matters

    A prefork worker imports its tasks and then forks, and threads do not come along. The producers of
    confluent-kafka and kafka-python send from a thread of their own: in the worker's processes it does not
    exist, `produce` fills a queue that nobody empties, and `flush` waits in vain. `MongoClient` has threads
    too and opens them at once; it makes new ones, but PyMongo warns that a client from before the fork may
    not be entirely safe: its locks may be held forever.

    ## Example

    ```python
    from celery import shared_task
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": "kafka:9092"})


    @shared_task(soft_time_limit=50, time_limit=60)
    def announce(pk):
        producer.produce("orders", str(pk))
        producer.flush(10)
    ```

    ## Use instead

    ```python
    from functools import lru_cache

    from celery import shared_task
    from confluent_kafka import Producer


    @lru_cache(maxsize=1)
    def producer():
        return Producer({"bootstrap.servers": "kafka:9092"})


    @shared_task(soft_time_limit=50, time_limit=60)
    def announce(pk):
        producer().produce("orders", str(pk))
        producer().flush(10)
    ```

    ## Limits

    Knows the producers of confluent-kafka and kafka-python, and `MongoClient`, at module level, in a class or
    in the only object of one that a module makes, and used by tasks. Silent for `MongoClient(connect=False)`,
    where the project has a handler of `worker_process_init`, and where it is not certain that the pool forks:
    prefork by a command, a setting or an option, or by default where neither gevent nor eventlet is
    installed. gRPC channels and contexts of ZeroMQ worked after a fork.

    ## References

    * <https://www.mongodb.com/docs/languages/python/pymongo-driver/current/faq/>
    * <https://docs.celeryq.dev/en/stable/userguide/signals.html#worker-process-init>
    """

    code = "CEL216"
    name = "client-not-fork-safe"
    severity = "warning"
    preset = "recommended"
    example_options = 'pool = ["prefork"]'
    message = "`{client}` is made before the worker forks: its thread is missing in the children"
    help = "make `{client}` at its first use, or in a handler of `worker_process_init`"
    variants = {
        "warns": (
            "`{client}`: PyMongo warns `MongoClient opened before fork. May not be entirely fork-safe`",
            "make `{client}` at its first use, or with `connect=False`",
        ),
    }
    proof = "tests/proofs/test_resources.py::test_threads_do_not_survive_a_fork"

    @on(EarlyClients.all)
    def check(self, client: EarlyClient) -> Iterator[Finding]:
        """Report the client where it is made."""
        variant = "warns" if client.kind == "warns" else ""
        yield Finding(client.place, {"client": client.name}, ((client.use, "used by a task here"),), variant)
