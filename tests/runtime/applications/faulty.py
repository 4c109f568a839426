"""Tasks that a scheduler has triggered, while the broker, the database or the worker goes away."""

from __future__ import annotations

import asyncio
import time

from application import MARKS, PREFIX, app, async_engine, mark
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from celery_lint.runtime import per_process, run_async
from celery_lint.runtime.application import recommended_settings
from celery_lint.runtime.engines import session_scope
from celery_lint.runtime.retries import RetryPolicy
from celery_lint.runtime.tracking import track_execution

of_backend = app.conf.result_backend_transport_options
app.conf.update(recommended_settings("prefork"), result_backend_transport_options=of_backend)
# What nobody has acknowledged is delivered again after seconds, so that the tests need not wait for hours.
again = {"visibility_timeout": 5, "unacked_restore_interval": 0.3}
app.conf.broker_transport_options = {"global_keyprefix": f"{PREFIX}:", **again}

engine = per_process(async_engine, AsyncEngine.dispose)


def session() -> AsyncSession:
    """A session on this process's engine."""
    return AsyncSession(engine(), expire_on_commit=False)


def begin(execution_id: str) -> bool:
    """Leave a trace of this run; whether it is the first of its execution."""
    first = not any(path.name.startswith(f"{execution_id} ") for path in MARKS.iterdir())
    mark(f"{execution_id} {time.monotonic_ns()}")
    return first


async def query(execution_id: str, seconds: float) -> None:
    """Wait for the database; only the first time long."""
    async with track_execution(session, execution_id):
        first = begin(execution_id)
        async with session_scope(session) as work:
            await work.execute(text("select pg_sleep(:seconds)"), {"seconds": seconds if first else 0})


async def pause(execution_id: str, until: str) -> None:
    """Wait for a trace that the test leaves, without any connection in use."""
    async with track_execution(session, execution_id):
        begin(execution_id)
        while not (MARKS / until).exists():
            await asyncio.sleep(0.02)


@app.task(**RetryPolicy((DBAPIError,), limit=3).options())
def queries(execution_id: str, seconds: float) -> None:
    """Is run again when the database goes away, and when its worker does."""
    run_async(query(execution_id, seconds))


@app.task(acks_late=False)
def queries_once(execution_id: str, seconds: float) -> None:
    """Is lost with its worker."""
    run_async(query(execution_id, seconds))


@app.task
def pauses(execution_id: str, until: str) -> None:
    """Holds no connection while it runs."""
    run_async(pause(execution_id, until))
