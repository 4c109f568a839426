"""What is made before the worker forks, and what its processes get of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg2
from application import MARKS, PREFIX, app, mark, sync_engine
from celery.signals import worker_process_init
from sqlalchemy import Engine, text


def connect() -> psycopg2.extensions.connection:
    """A connection with the worker's name."""
    return psycopg2.connect(os.environ["PROOF_DATABASE"], application_name=PREFIX)


def backend_of_engine(engine: Engine) -> int:
    """The server process that an engine's connection talks to."""
    with engine.connect() as connection:
        return int(connection.execute(text("select pg_backend_pid()")).scalar_one())


def backend_of(connection: psycopg2.extensions.connection) -> int:
    """The server process that a connection talks to."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return int(cursor.fetchone()[0])


# Used at import, as by a check of the schema: the pool holds a connection when the worker forks.
inherited_engine = sync_engine()
backend_of_engine(inherited_engine)
replaced_engine = sync_engine()
backend_of_engine(replaced_engine)
inherited_connection = connect()

# A client that has started its thread.
inherited_client = ThreadPoolExecutor(max_workers=1)
inherited_client.submit(int).result()
replaced_client = inherited_client


@worker_process_init.connect
def replace(**_: object) -> None:
    """Each process begins with resources of its own."""
    global replaced_client
    replaced_engine.dispose(close=False)
    replaced_client = ThreadPoolExecutor(max_workers=1)


BACKENDS: dict[str, Callable[[], int]] = {
    "inherited engine": lambda: backend_of_engine(inherited_engine),
    "replaced engine": lambda: backend_of_engine(replaced_engine),
    "inherited connection": lambda: backend_of(inherited_connection),
    "connection of the task": lambda: backend_of(connect()),
}


def wait_for(count: int, beginning: str) -> None:
    """Wait until so many marks with this beginning have been left."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if sum(path.name.startswith(beginning) for path in MARKS.iterdir()) >= count:
            return
        time.sleep(0.01)
    raise TimeoutError(beginning)


@app.task
def backend(resource: str, turn: int) -> tuple[int, int]:
    """This process and the server process that it talks to; two processes take turns, so nothing collides."""
    mark(f"{resource} here {turn}")
    wait_for(2, f"{resource} here")
    wait_for(turn, f"{resource} done")
    try:
        return os.getpid(), BACKENDS[resource]()
    finally:
        mark(f"{resource} done {turn}")


@app.task
def asks_the_inherited_client() -> str:
    """The thread is in the parent."""
    return inherited_client.submit(str, "answer").result(timeout=2)


@app.task
def asks_its_own_client() -> str:
    """The thread is here."""
    return replaced_client.submit(str, "answer").result(timeout=30)
