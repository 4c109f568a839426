"""Sessions and engines of SQLAlchemy in tasks: ended as they should be, and never shared by a fork.

Everything here takes asynchronous and synchronous objects alike: use ``async with`` in coroutines and
``with`` in plain functions.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

logger = logging.getLogger("celery_lint.runtime")

AnyEngine = TypeVar("AnyEngine", Engine, AsyncEngine)
S = TypeVar("S")


class engine_scope:
    """Dispose of engines when a block ends, one by one in the order given: external databases first.

    For code that cannot keep its engines for the life of the process, see
    :class:`~celery_lint.runtime.resources.per_process`. A ``dispose`` that fails is logged and hides neither
    the next one nor what the block itself raised::

        async with engine_scope(warehouse, primary), session_scope(Session) as session:
            await session.execute(...)
    """

    def __init__(self, *engines: Engine | AsyncEngine) -> None:
        self._engines = engines

    def __enter__(self) -> None:
        asynchronous = [engine for engine in self._engines if isinstance(engine, AsyncEngine)]
        if asynchronous:
            raise TypeError(f"{asynchronous[0]!r} is asynchronous; use `async with engine_scope(...)`")

    def __exit__(self, *_: object) -> None:
        for engine in self._engines:
            try:
                engine.dispose()
            except Exception:
                logger.exception("cannot dispose of %r", engine)

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        interrupted: BaseException | None = None
        for engine in self._engines:
            try:
                if isinstance(engine, AsyncEngine):
                    await engine.dispose()
                else:
                    engine.dispose()
            except Exception:
                logger.exception("cannot dispose of %r", engine)
            except BaseException as error:  # cancelled while it waits: the others still have their turn
                interrupted = error
        if interrupted is not None:
            raise interrupted


class session_scope(Generic[S]):
    """A session for one block: committed if the block ends, rolled back if it raises, closed in any case.

    ``factory`` makes the session: a ``sessionmaker``, an ``async_sessionmaker`` or anything like them. If the
    rollback itself fails (a connection that is gone) that is logged, and what the block raised goes on.
    """

    def __init__(self, factory: Callable[[], S]) -> None:
        self._factory = factory
        self._session: Any = None

    def __enter__(self) -> S:
        self._session = self._factory()
        session: S = self._session
        return session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        session = self._session
        try:
            if kind is None:
                session.commit()
            else:
                session.rollback()
        except Exception:
            if kind is None:
                session.rollback()
                raise
            logger.exception("cannot roll back after %r", error)
        finally:
            session.close()

    async def __aenter__(self) -> S:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        session = self._session
        try:
            if kind is None:
                await session.commit()
            else:
                await session.rollback()
        except Exception:
            if kind is None:
                await session.rollback()
                raise
            logger.exception("cannot roll back after %r", error)
        finally:
            await session.close()


def fork_safe(engine: AnyEngine) -> AnyEngine:
    """Let forked children forget the connections that the parent has opened; returns the engine.

    For an engine at module level that is used before the worker forks: parent and child would talk over the
    same sockets. The parent keeps its connections.
    """
    synchronous = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
    os.register_at_fork(after_in_child=lambda: synchronous.dispose(close=False))
    return engine


__all__ = ["engine_scope", "fork_safe", "session_scope"]
