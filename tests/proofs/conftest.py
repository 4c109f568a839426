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


@pytest.fixture
def servers(_redis: str) -> Servers:
    """Redis as broker and backend."""
    if sys.platform == "win32":
        pytest.skip("no prefork pool and no signals on Windows")
    for package in ("celery", "redis", "psutil", "sqlalchemy"):
        pytest.importorskip(package)
    from tests.proofs.harness import Servers

    return Servers(_there(_redis), _there(_redis))


@pytest.fixture
def database(servers: Servers, _postgres: str) -> Servers:
    """The same and PostgreSQL."""
    for package in ("asyncpg", "psycopg2"):
        pytest.importorskip(package)
    return servers._replace(database=_there(_postgres))


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
    test = request.node.nodeid.partition("[")[0].partition("@")[0]
    for worker in workers:
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
    path = os.environ.get("CELERY_LINT_PROOF_RESULTS")
    if path and session.config.stash[_results]:
        content = {"versions": _versions(), "outcomes": session.config.stash[_results]}
        Path(path).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
