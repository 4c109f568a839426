"""Fixtures of proofs: servers for each process that runs tests, workers for each test."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.proofs import services

if TYPE_CHECKING:
    from tests.proofs.harness import Servers, Worker

PACKAGES = ("celery", "redis", "sqlalchemy", "asyncpg", "gevent", "eventlet", "asgiref", "nest-asyncio")


@pytest.fixture(scope="session")
def _stack() -> Iterator[ExitStack]:
    """What is closed when the last proof has run."""
    with ExitStack() as stack:
        yield stack


def _started(stack: ExitStack, server: Any) -> str:
    try:
        return str(stack.enter_context(server()))
    except services.Missing as missing:
        return f"missing: {missing}"


@pytest.fixture(scope="session")
def _redis(_stack: ExitStack) -> str:
    return _started(_stack, services.redis)


@pytest.fixture(scope="session")
def _postgres(_stack: ExitStack) -> str:
    return _started(_stack, services.postgres)


def _there(url: str) -> str:
    if url.startswith("missing: "):
        pytest.skip(url.removeprefix("missing: "))
    return url


@pytest.fixture(scope="session")
def servers(_redis: str) -> Servers:
    """Redis as broker and backend."""
    if sys.platform == "win32":
        pytest.skip("no prefork pool and no signals on Windows")
    for package in ("celery", "redis", "psutil", "sqlalchemy"):
        pytest.importorskip(package)
    from tests.proofs.harness import Servers

    return Servers(_there(_redis), _there(_redis))


@pytest.fixture(scope="session")
def database(servers: Servers, _postgres: str) -> Servers:
    """The same and PostgreSQL."""
    for package in ("asyncpg", "psycopg2"):
        pytest.importorskip(package)
    return servers._replace(database=_there(_postgres))


@pytest.fixture(scope="session")
def rabbitmq(servers: Servers) -> Servers:
    """RabbitMQ as broker, Redis as backend."""
    return servers._replace(broker=_there(_named("CELERY_LINT_AMQP_URL")))


@pytest.fixture(scope="session")
def mariadb(servers: Servers) -> Servers:
    """MariaDB or MySQL as database."""
    pytest.importorskip("aiomysql")
    return servers._replace(database=_there(_named("CELERY_LINT_MYSQL_URL")))


def _named(variable: str) -> str:
    return os.environ.get(variable) or f"missing: no server: set {variable}"


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., Worker]]:
    """Start a worker that lives as long as the test: no proof can spoil the processes of another."""
    from tests.proofs.harness import Worker

    workers: list[Worker] = []
    with ExitStack() as stack:

        def started(application: str, pool: str, servers: Servers, **options: Any) -> Worker:
            if pool in ("gevent", "eventlet"):
                pytest.importorskip(pool)
            workers.append(stack.enter_context(Worker(application, pool, servers, **options)))
            return workers[-1]

        yield started
    for worker in workers:
        _keep(request, worker)


@pytest.fixture(scope="module")
def shared_worker(servers: Servers) -> Iterator[Callable[..., Worker]]:
    """Start a worker that lives as long as the tests of a module, where these leave nothing behind."""
    from tests.proofs.harness import Worker

    with ExitStack() as stack:
        started: dict[str, Worker] = {}

        def worker(application: str, pool: str, **options: Any) -> Worker:
            if application not in started:
                started[application] = stack.enter_context(Worker(application, pool, servers, **options))
            return started[application]

        yield worker


@pytest.fixture
def alone(
    request: pytest.FixtureRequest, shared_worker: Callable[..., Worker]
) -> Iterator[Callable[..., Worker]]:
    """The shared worker without traces and outcomes of earlier tests."""
    used: list[Worker] = []

    def worker(application: str, pool: str, **options: Any) -> Worker:
        used.append(shared_worker(application, pool, **options))
        used[-1].outcomes.clear()
        used[-1].forget_marks()
        return used[-1]

    yield worker
    for each in used:
        _keep(request, each)


def _keep(request: pytest.FixtureRequest, worker: Worker) -> None:
    """Keep the outcomes of a test for the file of results."""
    test = request.node.nodeid.partition("[")[0].partition("@")[0]
    for form, call, outcome in worker.outcomes:
        figures = {key: value for key, value in outcome._asdict().items() if key != "results"}
        shown = {"test": test, "form": form, "pool": worker.pool, "task": call, **figures}
        if worker.stopped is not None:
            shown["stopped"] = worker.stopped
        request.config.stash[_results].append(shown)


_results = pytest.StashKey[list[dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make room for results."""
    config.stash[_results] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results where the environment asks for it, see ``record.py``."""
    outcomes = session.config.stash[_results]
    path = os.environ.get("CELERY_LINT_PROOF_RESULTS")
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["outcomes"] = outcomes
    elif path and outcomes:
        content = {"versions": _versions(), "outcomes": outcomes}
        Path(path).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of pytest-xdist has found."""
    node.config.stash[_results] += getattr(node, "workeroutput", {}).get("outcomes", [])


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
