"""What asyncio, and what stands in for it, calls event loops and what runs on them, by dotted path."""

from __future__ import annotations

from collections.abc import Iterable


def _spelled(modules: Iterable[str], *names: str) -> frozenset[str]:
    """Names of asyncio, also as its submodules have them."""
    return frozenset(f"asyncio.{module}{name}" for module in ("", *modules) for name in names)


#: These run a coroutine on a loop made for it.
RUNNERS = _spelled(["runners."], "run", "Runner().run") | {"anyio.run", "trio.run", "uvloop.run"}
#: These run it on a loop made for it, in a thread of its own.
PORTALS = frozenset({"tortoise.run_async", "anyio.from_thread.start_blocking_portal().call"})
#: This hands it to the loop of the process, which runs in a thread or greenlet of its own.
RUN_ASYNC = frozenset({"celery_lint.runtime.run_async", "celery_lint.runtime.event_loop.run_async"})
#: This hands it to a loop that another thread runs.
RUN_THREADSAFE = _spelled(["tasks."], "run_coroutine_threadsafe")
#: The current loop, which may be made or missing, and the one that runs.
CURRENT_LOOP = _spelled(["events."], "get_event_loop")
RUNNING_LOOP = _spelled(["events."], "get_running_loop")
SET_LOOP = _spelled(["events."], "set_event_loop")
NEW_LOOP = _spelled(["events."], "new_event_loop") | {"uvloop.new_event_loop", "uvloop.Loop"}
#: Objects that are loops.
LOOP_CLASSES = _spelled(["events."], "AbstractEventLoop()")
#: These run a function in a thread, and the coroutine waits for it.
IN_A_THREAD = _spelled(["threads."], "to_thread") | {
    "anyio.to_thread.run_sync",
    "fastapi.concurrency.run_in_threadpool",
    "starlette.concurrency.run_in_threadpool",
}
#: These start a coroutine beside the one that calls them.
SPAWNERS = _spelled(["tasks."], "create_task", "ensure_future", "gather")
#: Ends of calls that let something else run on the loop, or watch the clock there.
BESIDE_ONE = (
    ".add_reader", ".as_completed", ".call_later", ".create_task", ".ensure_future", ".gather",
    ".start_server", ".start_soon", ".timeout", ".wait_for",
)  # fmt: skip
#: Packages that serve, listen or keep connections alive on the loop while somebody waits.
KEEPING_BUSY = frozenset(
    {
        "aio_pika",
        "aiogram",
        "aiohttp",
        "aiokafka",
        "discord",
        "nats",
        "telegram",
        "telethon",
        "uvicorn",
        "websockets",
    }
)
#: Last components of what is called to learn whether a loop is there, or which one.
ASKING_FOR_LOOP = frozenset(
    {"get_running_loop", "_get_running_loop", "get_event_loop", "is_running", "current_async_library"}
)
#: ``async_to_sync`` of asgiref: a function that runs the coroutines of another.
ASYNC_TO_SYNC = "asgiref.sync.async_to_sync"
#: The class that it makes an object of, which is called the same way.
ASYNC_TO_SYNC_CLASS = "asgiref.sync.AsyncToSync"
#: What makes a function that runs the coroutines of another, on a loop made for each call.
RUNNIFY = frozenset({"asyncer.runnify"})
#: These make a coroutine function of a plain one, which then runs in a thread.
SYNC_TO_ASYNC = frozenset(
    {
        "asgiref.sync.sync_to_async",
        "channels.db.database_sync_to_async",
        "asyncer.asyncify",
    }
)

# The first version of Python whose asyncio has a name that code asks it for.
SINCE: dict[str, tuple[int, int]] = {
    "run": (3, 7), "get_running_loop": (3, 7), "create_task": (3, 7), "to_thread": (3, 9),
    "Runner": (3, 11), "TaskGroup": (3, 11), "timeout": (3, 11), "Barrier": (3, 11), "EventLoop": (3, 13),
}  # fmt: skip

_MAKING_OR_CHOOSING = RUNNERS | CURRENT_LOOP | RUNNING_LOOP | SET_LOOP | NEW_LOOP
#: What loops are asked for besides, to run one coroutine and to end.
_OF_LOOPS = frozenset({"close", "is_closed", "run_until_complete", "shutdown_asyncgens"})


def runs_what_it_is_given(name: str, leaf: str) -> bool:
    """Whether a call makes, chooses or ends a loop, or runs a coroutine there: it raises what that raises."""
    if name in _MAKING_OR_CHOOSING or leaf == "run_until_complete":
        return True
    owner = name.rpartition("()")[0]
    return leaf in _OF_LOOPS and owner in NEW_LOOP | CURRENT_LOOP | RUNNING_LOOP
