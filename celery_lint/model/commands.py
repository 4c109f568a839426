"""Commands that start workers, as launch files have them."""

from __future__ import annotations

from celery_lint.model.records import NamedTuple


class WorkerCommand(NamedTuple):
    """One command that starts workers.

    ``pool`` is Celery's name of the pool: ``prefork`` where the command states none, and empty where
    only the environment knows. ``pool_stated`` tells whether the command has the option at all: if not,
    the setting ``worker_pool`` decides. Limits are in seconds. ``app``, ``queues`` and ``concurrency``
    are empty where they are not stated, or not known. ``prefetch`` tells whether the command says how many
    messages are taken in advance, or may say so.
    """

    path: str
    line: int
    app: str
    pool: str
    pool_stated: bool
    time_limit: float | None
    soft_time_limit: float | None
    queues: str
    concurrency: str
    prefetch: bool = False
