"""The application that the task modules beside it share; its settings come from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import Celery
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

PREFIX = os.environ["PROOF_PREFIX"]
MARKS = Path(os.environ["PROOF_MARKS"])

app = Celery("proofs", broker=os.environ["PROOF_BROKER"], backend=os.environ["PROOF_BACKEND"])
app.conf.update(
    task_default_queue=PREFIX,
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
)
if os.environ["PROOF_BROKER"].startswith("redis"):
    app.conf.broker_transport_options = {"global_keyprefix": f"{PREFIX}:"}
app.conf.result_backend_transport_options = {"global_keyprefix": f"{PREFIX}:"}


def mark(name: str) -> None:
    """Leave a trace that the test sees, by whatever process, thread or loop it is made."""
    (MARKS / name).write_text(str(os.getpid()))


DATABASE = make_url(os.environ.get("PROOF_DATABASE", "postgresql://"))


def async_engine(**options: Any) -> AsyncEngine:
    """An engine whose connections carry the worker's name, where the database has a place for it."""
    if DATABASE.drivername == "mysql":
        return create_async_engine(DATABASE.set(drivername="mysql+aiomysql"), **options)
    named = {"server_settings": {"application_name": PREFIX}}
    return create_async_engine(DATABASE.set(drivername="postgresql+asyncpg"), connect_args=named, **options)


def sync_engine(**options: Any) -> Engine:
    """The same for synchronous code, on PostgreSQL."""
    named = {"application_name": PREFIX}
    return create_engine(DATABASE.set(drivername="postgresql+psycopg2"), connect_args=named, **options)


@app.task
def ping() -> int:
    """Answer with the number of the process."""
    return os.getpid()
