"""Engines, clients and pools of connections that each worker process makes for itself and keeps."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar, cast, overload

from celery_lint.runtime import event_loop

T = TypeVar("T")


class _Kept:
    """What a factory has made on a loop, and what only its awaiting has made of it."""

    __slots__ = ("awaited", "lock", "made", "value")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.made = self.awaited = False
        self.value: Any = None


class per_process(Generic[T]):
    """An object that each worker process makes for itself at the first use, on its event loop.

    ``factory`` makes it: an engine, an HTTP client, a pool of connections. ``close`` is called with it before
    the loop ends, and awaited if it is a coroutine function. Call this object to get it, inside coroutines or
    outside::

        engine = per_process(lambda: create_async_engine(URL), AsyncEngine.dispose)

        async def load(pk):
            async with engine().connect() as connection: ...

    ``await`` it where the making itself has to be awaited::

        pool = per_process(lambda: asyncpg.create_pool(URL), asyncpg.Pool.close)

        async def load(pk):
            return await (await pool).fetchrow("select …", pk)

    There is one object for each event loop, however many threads and coroutines ask at once: a new loop never
    gets what belonged to an old one, and a forked child never its parent's, whose connections both would use.
    On a loop that is not that of ``run_async`` (a web server's, a test's) it has an object as well, which
    ``await engine.aclose()`` closes.

    A factory that fails is called again by the next one who asks.
    """

    @overload
    def __init__(
        self,
        factory: Callable[[], Awaitable[T]],
        close: Callable[[T], Awaitable[object] | None] | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self, factory: Callable[[], T], close: Callable[[T], Awaitable[object] | None] | None = None
    ) -> None: ...

    def __init__(
        self,
        factory: Callable[[], T | Awaitable[T]],
        close: Callable[[T], Awaitable[object] | None] | None = None,
    ) -> None:
        self._factory = factory
        self._close = close
        #: By process and loop. What a child inherits stays: collecting it closes its parent's connections.
        self._kept: dict[tuple[int, asyncio.AbstractEventLoop], _Kept] = {}
        if close is not None:
            event_loop.on_shutdown(self.aclose)

    def __call__(self) -> T:
        """The object of this process.

        Raises ``RuntimeError`` on the loop if making it has to be awaited and has not been.
        """
        owner = event_loop.owner_of_this_process()
        if not owner.runs_here():
            loop = _running_loop()
            if loop is None or loop is owner.loop:  # greenlets of one thread all see the loop that runs in it
                held = self._kept.get((os.getpid(), owner.loop))
                if held is not None and held.awaited:
                    return cast(T, held.value)
                return event_loop.run_async(self._get())
        kept = self._of(asyncio.get_running_loop())
        if not kept.made:
            value = self._factory()
            if inspect.iscoroutine(value):
                value.close()
                raise RuntimeError(f"{self._factory!r} is asynchronous; use `await` in place of the call")
            kept.value, kept.made, kept.awaited = value, True, not inspect.isawaitable(value)
        return cast(T, kept.value)

    def __await__(self) -> Generator[Any, None, T]:
        return self._get().__await__()

    async def _get(self) -> T:
        kept = self._of(asyncio.get_running_loop())
        if not kept.awaited:
            async with kept.lock:
                if not kept.awaited:
                    value: Any = kept.value if kept.made else self._factory()
                    if inspect.isawaitable(value):
                        value = await value
                    kept.value, kept.made, kept.awaited = value, True, True
        return cast(T, kept.value)

    def _of(self, loop: asyncio.AbstractEventLoop) -> _Kept:
        """The place of a loop's object, asked for on that loop; what closed loops have left is let go."""
        key = (os.getpid(), loop)
        if key not in self._kept:
            for pid, other in list(self._kept):
                if pid == key[0] and other.is_closed():
                    self._kept.pop((pid, other), None)
        return self._kept.setdefault(key, _Kept())

    async def aclose(self) -> None:
        """Close the object of the running loop, if there is one; the next use makes another."""
        kept = self._kept.pop((os.getpid(), asyncio.get_running_loop()), None)
        if kept is not None and kept.made and self._close is not None:
            closed = self._close(kept.value)
            if closed is not None:
                await closed


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


__all__ = ["per_process"]
