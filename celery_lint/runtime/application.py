"""An application whose settings suit its worker pool, and a worker that says when they do not.

A limit that a pool cannot enforce is worse than none, because it is believed: prefork enforces soft and hard
time limits, gevent hard ones (while the greenlet lets others run), the other pools none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from celery import Celery
from celery.app.defaults import DEFAULTS
from celery.signals import celeryd_after_setup

from celery_lint.runtime.green import threads

logger = logging.getLogger("celery_lint.runtime")

SOFT_POOLS = frozenset({"prefork"})
HARD_POOLS = frozenset({"prefork", "gevent"})
GREEN_POOLS = frozenset({"gevent", "eventlet"})
POOLS = ("prefork", "gevent", "eventlet", "threads", "solo")
#: Seconds between the soft limit, which lets a task clean up, and the hard one, which does not.
_TO_CLEAN_UP = 30
#: Seconds after which a Redis that does not answer counts as gone: Celery itself waits forever, or minutes.
_SILENCE = {"socket_timeout": 30.0, "socket_connect_timeout": 5.0}


def recommended_settings(
    pool: str = "prefork",
    *,
    time_limit: int = 300,
    result_expires: int = 86_400,
    broker: str = "redis",
) -> dict[str, Any]:
    """The settings for workers of a pool, for ``app.conf.update``.

    ``broker`` is the broker's URL or its scheme. Redis and SQS deliver a message again when it was not
    acknowledged for a while; that is made longer than any task may run. A countdown or ETA that is longer
    than this, an hour unless ``time_limit`` is more than half of it, is run twice by Redis.

    * A task may run ``time_limit`` seconds, where the pool can see to it. A task with a hard limit of its own
      needs a soft one below it too: prefork starts to count for the hard limit when the soft one has struck,
      and so would not enforce a ``time_limit`` below the soft limit of these settings.
    * Messages are acknowledged when the task is done, so that those of a killed worker are delivered again:
      tasks must bear to be run twice. When a process of the prefork pool dies, its task is run again as a
      retry is, after ``default_retry_delay`` and at most ``max_retries`` times, by Celery 5.7; earlier
      versions cannot count, and there the task fails at once. Nothing counts when the worker itself dies
      with its task: only the broker can end that, with the delivery limit of a quorum queue.
    * Each process reserves one task at a time. The green pools reserve four for each greenlet: they look for
      messages once a second when they may take no more.
    * The pool itself is set where ``celery worker -P`` is not needed. For gevent and eventlet it is, or
      nothing is patched when the worker starts.

    Raises ``ValueError`` for an unknown pool and for a limit that leaves no time to clean up.
    """
    if pool not in POOLS:
        raise ValueError(f"unknown pool {pool!r}; one of {', '.join(POOLS)}")
    if time_limit <= _TO_CLEAN_UP:
        raise ValueError(f"time_limit must be more than the {_TO_CLEAN_UP} s that a task gets to clean up")
    settings: dict[str, Any] = {
        "enable_utc": True,
        "timezone": "UTC",
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "result_expires": result_expires,
        "task_acks_late": True,
        "task_track_started": True,
        "worker_prefetch_multiplier": 4 if pool in GREEN_POOLS else 1,
        "broker_connection_retry_on_startup": True,
        "redis_socket_timeout": _SILENCE["socket_timeout"],
        "redis_socket_connect_timeout": _SILENCE["socket_connect_timeout"],
        "result_backend_transport_options": {"retry_policy": {"timeout": 5.0}},
    }
    if pool not in GREEN_POOLS:
        settings["worker_pool"] = pool
    if pool in HARD_POOLS:
        settings["task_time_limit"] = time_limit
    if pool in SOFT_POOLS:
        settings["task_soft_time_limit"] = time_limit - _TO_CLEAN_UP
        settings["worker_max_tasks_per_child"] = 1000
        counted = "task_retry_on_worker_lost" in DEFAULTS
        settings["task_reject_on_worker_lost"] = counted
        if counted:
            settings["task_retry_on_worker_lost"] = True
    options = _transport_options(broker, time_limit)
    if options:
        settings["broker_transport_options"] = options
    return settings


def _transport_options(broker: str, time_limit: float) -> dict[str, Any]:
    # `redis+socket`, `rediss`, `sentinel` and several URLs in one text are Redis as well.
    scheme = broker.partition(":")[0].partition("+")[0].lower()
    if scheme not in ("redis", "rediss", "sentinel", "sqs"):
        return {}
    options: dict[str, Any] = {"visibility_timeout": max(3600, 2 * time_limit)}
    return options if scheme == "sqs" else {**options, **_SILENCE}


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

    ``broker`` and ``backend`` are URLs. What depends on a setting that is overridden follows it: the soft
    limit and the visibility timeout a ``task_time_limit``. Transport options of the broker and of the result
    backend are added to those that are recommended. A worker of this application logs what does not fit its
    pool, see :func:`check_worker`.

    Raises ``ValueError`` like :func:`recommended_settings`, for a setting that Celery does not know, which it
    would accept in silence, and for settings that contradict each other.
    """
    app = Celery(name, broker=broker, backend=backend)
    unknown = sorted(set(settings) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"Celery has no setting {', '.join(map(repr, unknown))}")
    if settings.get("worker_pool", pool) != pool or (pool in GREEN_POOLS and "worker_pool" in settings):
        raise ValueError(
            f"worker_pool={settings['worker_pool']!r} is not the pool of the other settings: {pool!r}"
        )
    recommended = recommended_settings(pool, time_limit=time_limit, broker=broker)
    app.conf.update(_reconciled(recommended, settings, broker))
    celeryd_after_setup.connect(_on_worker, weak=False, dispatch_uid="celery_lint.runtime.application")
    _pools[app] = pool
    return app


#: The pool that an application's settings are for.
_pools: dict[Celery, str] = {}


def _reconciled(ours: Mapping[str, Any], theirs: Mapping[str, Any], broker: str) -> dict[str, Any]:
    settings = {**ours, **theirs}
    hard, soft = settings.get("task_time_limit"), settings.get("task_soft_time_limit")
    if soft and "task_soft_time_limit" not in theirs:
        if hard and hard <= _TO_CLEAN_UP:
            raise ValueError(
                f"task_time_limit={hard} leaves no time to clean up; set task_soft_time_limit too"
            )
        soft = settings["task_soft_time_limit"] = hard - _TO_CLEAN_UP if hard else soft
    if hard and soft and soft >= hard:
        raise ValueError(
            f"task_soft_time_limit={soft} is not below task_time_limit={hard}, which is not enforced"
        )
    longest = max(filter(None, (hard, soft)), default=0)
    options = ours.get("broker_transport_options", {})
    if options:
        options = {**options, **_transport_options(broker, max(longest, options["visibility_timeout"] / 2))}
        options = {**options, **theirs.get("broker_transport_options", {})}
        if options["visibility_timeout"] <= longest:
            raise ValueError(
                f"visibility_timeout={options['visibility_timeout']} is not longer than a task may run"
                f" ({longest} s): the broker would deliver it twice"
            )
        settings["broker_transport_options"] = options
    of_backend = "result_backend_transport_options"
    settings[of_backend] = {**ours[of_backend], **theirs.get(of_backend, {})}
    return settings


def _on_worker(instance: Any, **_: object) -> None:
    if instance.app in _pools:
        check_worker(instance, _pools[instance.app])


def check_worker(worker: Any, pool: str) -> None:
    """Log what in a worker's settings does not fit the pool that it runs; ``pool`` is what they are for.

    Called for applications of :func:`make_app` when a worker starts; for others connect it to the signal
    ``celeryd_after_setup``, whose ``instance`` is the worker. A green pool without anything patched would
    take tasks and run none: then the worker ends with exit code 1.
    """
    runs = worker.pool_cls.__module__.rpartition(".")[2].replace("thread", "threads")
    if runs in GREEN_POOLS and threads().library != runs:
        logger.critical(
            "the %s pool would run no task, for nothing is patched: start it with `celery worker -P %s`, and"
            " without the setting worker_pool",
            *(runs, runs),
        )
        raise SystemExit(1)
    if runs != pool:
        logger.warning("the settings are for the %s pool, and this worker runs %s", pool, runs)
    conf = worker.app.conf
    for name, pools in (("task_time_limit", HARD_POOLS), ("task_soft_time_limit", SOFT_POOLS)):
        if conf[name] and runs not in pools:
            logger.warning("%s=%s: the %s pool does not enforce it", name, conf[name], runs)
    if runs in HARD_POOLS and pool not in HARD_POOLS and not conf.task_time_limit:
        logger.warning("no task_time_limit: the settings are for the %s pool, which enforces none", pool)
    for task in worker.app.tasks.values() if runs in SOFT_POOLS else ():
        soft, hard = task.soft_time_limit, task.time_limit
        if soft and hard and soft >= hard:
            logger.warning(
                "%s: its time_limit of %s s is not enforced, for its soft limit is %s s; give it a"
                " soft_time_limit below",
                *(task.name, hard, soft),
            )


__all__ = ["check_worker", "make_app", "recommended_settings"]
