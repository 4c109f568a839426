"""One call of ``run_async`` on its way through the loop."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any

from celery_lint.runtime.green import Bell

#: The request of the task that waits, as its coroutine sees it.
REQUEST: contextvars.ContextVar[Any] = contextvars.ContextVar("celery_request", default=None)


class CoroutineStopped(RuntimeError):
    """A coroutine was ended by what is no error of its own: ``__cause__`` tells by what.

    A ``CancelledError`` that nobody outside asked for, ``SystemExit``, ``KeyboardInterrupt`` and the like.
    Celery lets these pass: the task would never end, or take its worker along.
    """


class Call:
    """A coroutine, whoever waits for it, and what has become of it."""

    __slots__ = ("bell", "context", "coroutine", "done", "error", "interrupted", "result", "task")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], bell: Bell, request: object) -> None:
        self.coroutine = coroutine
        self.bell = bell
        #: The caller's context variables, and once the coroutine has ended those that it left.
        self.context = contextvars.copy_context()
        self.context.run(REQUEST.set, request)
        self.task: asyncio.Task[Any] | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        #: What its caller was interrupted by.
        self.interrupted: BaseException | None = None
        self.done = False

    async def run(self) -> Any:
        """Await the coroutine, and keep its context: before Python 3.11 a task runs in one of its own."""
        try:
            return await self.coroutine
        finally:
            self.context = contextvars.copy_context()

    def end(self, error: BaseException | None) -> None:
        """Wake the caller."""
        self.error, self.task, self.done = error, None, True
        self.bell.ring()

    def outcome(self) -> Any:
        """In the caller: take over what the coroutine has set, and return or raise what it did."""
        for variable, value in self.context.items():
            if variable is not REQUEST and variable.get(self) is not value:
                variable.set(value)
        if self.error is not None:
            try:
                raise self.error
            finally:
                del self  # the traceback would keep itself alive through it
        return self.result


def error_of(task: asyncio.Task[Any]) -> BaseException | None:
    """What a task that is done has raised, its cancellation included."""
    if not task.cancelled():
        return task.exception()
    try:
        task.result()
    except asyncio.CancelledError as error:
        where = error.__traceback__
        return error.with_traceback(where and where.tb_next)  # without this function
    return None


def stopped(coroutine: Coroutine[Any, Any, Any], by: BaseException) -> CoroutineStopped:
    """The error for the caller of a coroutine that something else than an error has ended."""
    name = getattr(coroutine, "__qualname__", repr(coroutine))
    what = "was cancelled from within" if isinstance(by, asyncio.CancelledError) else f"raised {by!r}"
    error = CoroutineStopped(f"the coroutine {name!r} {what}")
    error.__cause__ = by
    return error
