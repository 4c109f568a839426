"""Ways from a synchronous task into a coroutine: one that works in every pool, and those that are in use."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any

from celery_lint.runtime import run_async

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def kept_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on the one event loop of this process, which is made at the first call and kept.

    The thread is a greenlet where gevent or eventlet has patched ``threading``: there the loop and the tasks
    take turns, and all coroutines of the process share the loop.
    """
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, daemon=True).start()
    return asyncio.run_coroutine_threadsafe(coroutine, _loop).result()


def adaptive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Ask for a running loop; with one, run in a thread; without one, on the thread's own loop."""
    try:
        asyncio.get_running_loop()
        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(asyncio.run, coroutine).result()
    except RuntimeError:
        try:
            loop = asyncio.get_event_loop()
            if loop.is_closed():
                raise RuntimeError("the loop is closed")
        except RuntimeError:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        return loop.run_until_complete(coroutine)


def current_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on the loop that is current."""
    return asyncio.get_event_loop().run_until_complete(coroutine)


def unclosed_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a new loop that nobody closes."""
    return asyncio.new_event_loop().run_until_complete(coroutine)


def closed_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a new loop and close it."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def closed_current_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The same, but the loop is made current, and stays so when it is closed."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def asgiref(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine with ``async_to_sync``."""
    from asgiref.sync import async_to_sync

    async def wait() -> Any:
        return await coroutine

    return async_to_sync(wait)()


def nested(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a loop that may be entered again."""
    import nest_asyncio

    nest_asyncio.apply()
    return asyncio.run(coroutine)


RUNNERS = {
    "asyncio.run": asyncio.run,
    "adaptive helper": adaptive,
    "async_to_sync": asgiref,
    "nest_asyncio": nested,
    "get_event_loop": current_loop,
    "new_event_loop, closed": closed_loop,
    "new_event_loop, not closed": unclosed_loop,
    "one kept loop": kept_loop,
    "celery_lint.runtime": run_async,
}
