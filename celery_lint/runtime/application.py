"""An application whose settings suit its worker pool.

A limit that a pool cannot enforce is worse than none, because it is believed: prefork enforces soft and hard
time limits, gevent hard ones (while the greenlet lets others run), the other pools none.
"""

from __future__ import annotations

from typing import Any

from celery import Celery

SOFT_POOLS = frozenset({"prefork"})
HARD_POOLS = frozenset({"prefork", "gevent"})
POOLS = ("prefork", "gevent", "eventlet", "threads", "solo")
#: Seconds between the soft limit, which lets a task clean up, and the hard one, which does not.
_TO_CLEAN_UP = 30


def recommended_settings(
    pool: str = "prefork",
    *,
    time_limit: int = 300,
    result_expires: int = 86_400,
    broker: str = "redis",
) -> dict[str, Any]:
    """The settings for workers of a pool, for ``app.conf.update``.

    A task may run ``time_limit`` seconds, where the pool can see to it. Messages are acknowledged when the
    task is done, so that those of a killed worker are delivered again: tasks must bear to be run twice. Each
    process reserves one task at a time. ``broker`` is the scheme of its URL: Redis and SQS deliver a message
    again when it was not acknowledged for a while, which has to be longer than any task or countdown.

    Raises ``ValueError`` for an unknown pool and for a limit that leaves no time to clean up.
    """
    if pool not in POOLS:
        raise ValueError(f"unknown pool {pool!r}; one of {', '.join(POOLS)}")
    if time_limit <= _TO_CLEAN_UP:
        raise ValueError(f"time_limit must be more than the {_TO_CLEAN_UP} s that a task gets to clean up")
    settings: dict[str, Any] = {
        "worker_pool": pool,
        "enable_utc": True,
        "timezone": "UTC",
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "result_expires": result_expires,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_track_started": True,
        "worker_prefetch_multiplier": 1,
        "broker_connection_retry_on_startup": True,
    }
    if pool in HARD_POOLS:
        settings["task_time_limit"] = time_limit
    if pool in SOFT_POOLS:
        settings["task_soft_time_limit"] = time_limit - _TO_CLEAN_UP
        settings["worker_max_tasks_per_child"] = 1000
    if broker in ("redis", "rediss", "sqs"):
        settings["broker_transport_options"] = {"visibility_timeout": max(3600, 2 * time_limit)}
    return settings


def make_app(
    name: str,
    broker: str,
    backend: str | None = None,
    *,
    pool: str = "prefork",
    time_limit: int = 300,
    **settings: Any,
) -> Celery:
    """An application with :func:`recommended_settings`; ``settings`` override single ones.

    ``broker`` and ``backend`` are URLs. Raises ``ValueError`` like :func:`recommended_settings`, and for a
    setting that Celery does not know: it would be accepted in silence.
    """
    kind = broker.partition(":")[0]
    app = Celery(name, broker=broker, backend=backend)
    known = set(app.conf)
    unknown = sorted(set(settings) - known)
    if unknown:
        raise ValueError(f"Celery has no setting {', '.join(map(repr, unknown))}")
    app.conf.update(recommended_settings(pool, time_limit=time_limit, broker=kind))
    app.conf.update(settings)
    return app


__all__ = ["make_app", "recommended_settings"]
