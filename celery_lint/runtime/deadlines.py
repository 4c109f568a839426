"""Deadlines that hold where a server takes a connection and says nothing.

Clients have timeouts for single steps, and try again. A deadline for the whole is kept by the one who waits:
the work goes on in a thread (under gevent and eventlet a greenlet), which ends when its client gives up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from celery import Celery
from celery.app.defaults import DEFAULTS

T = TypeVar("T")


class NotDone(TimeoutError):
    """The deadline has passed."""


class Work(Generic[T]):
    """A function that runs in a thread of its own from now on."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._begun = time.monotonic()
        self._outcome: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="deadline", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome.append(self._function())
        except BaseException as error:
            self._error = error

    def within(self, seconds: float) -> T:
        """What the function returns or raises; :class:`NotDone` if that takes so many seconds more."""
        self._thread.join(max(0.0, seconds))
        if self.runs():
            raise NotDone(f"no answer within {time.monotonic() - self._begun:.1f} s")
        if self._error is not None:
            try:
                raise self._error
            finally:
                del self
        return self._outcome[0]

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()


#: What has not ended, by what is asked of whom.
_begun: dict[Hashable, Work[Any]] = {}


def once(key: Hashable, function: Callable[[], T]) -> Work[T]:
    """Begin, unless the same was begun before, was given up and still hangs: then :class:`NotDone`.

    Whoever asks every few seconds whether a server lives would otherwise pile up threads where none does.
    """
    for other, work in list(_begun.items()):
        if not work.runs():
            _begun.pop(other, None)
    if key in _begun:
        raise NotDone("an earlier question has not been answered")
    begun = _begun[key] = Work(function)
    return begun


def hasty_connection(app: Celery, timeout: float) -> Any:
    """A connection to the broker, none of whose steps waits longer than ``timeout`` seconds."""
    options: dict[str, Any] = {}
    transport = app.connection_for_write().transport_cls
    if transport in ("redis", "rediss", "sentinel"):
        options = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    elif transport in ("amqp", "amqps", "pyamqp"):
        options = {"read_timeout": timeout, "write_timeout": timeout}
    return app.connection_for_write(connect_timeout=timeout, transport_options=options)


def hasty_copy(app: Celery, timeout: float) -> Celery:
    """The same application for one question to its result backend: it waits little and tries nothing again.

    Close it after use, see :func:`close`.
    """
    copy = Celery(app.main, set_as_current=False, loader=app.loader_cls, backend=app.backend_cls)
    copy.conf.update({name: app.conf.get(name) for name in DEFAULTS})
    of_backend = dict(app.conf.result_backend_transport_options or {})
    of_backend["retry_policy"] = {"max_retries": 0, "timeout": timeout}
    copy.conf.update(
        redis_socket_timeout=timeout,
        redis_socket_connect_timeout=timeout,
        redis_retry_on_timeout=False,
        result_backend_always_retry=False,
        result_backend_transport_options=of_backend,
    )
    return copy


def close(app: Celery) -> None:
    """Close what an application has opened in this thread: a Redis client does it too late and complains."""
    backend = app.backend
    consumer = getattr(backend, "result_consumer", None)
    if consumer is not None:
        consumer.stop()
    if "client" in vars(backend) and hasattr(backend.client, "connection_pool"):
        backend.client.close()
        backend.client.connection_pool.disconnect()
    app.close()


__all__ = ["NotDone", "Work", "close", "hasty_connection", "hasty_copy", "once"]
