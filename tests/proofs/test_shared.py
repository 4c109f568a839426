"""Proofs of what becomes of objects that outlive an event loop."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.proofs.harness import Servers, Worker, until
from tests.proofs.pools import pools

Start = Callable[..., Worker]

CLOSED = r"RuntimeError: Event loop is closed"
ANOTHER_OPERATION = r"InterfaceError: .* cannot perform operation: another operation is in progress"
DIFFERENT_LOOP = r"RuntimeError: .* (attached to a different loop|is bound to a different event loop)"


@pytest.mark.proof("CEL217")
@pools("prefork", long=["solo"])
def test_a_client_keeps_connections_of_a_closed_loop(start: Start, servers: Servers, pool: str) -> None:
    """Every second task gets a connection that is dead."""
    worker = start("shared", pool, servers, concurrency=1)
    bad = worker.bad("asks_the_shared_client", "asyncio.run", times=6, at_once=False)
    assert bad.failed_only_with(CLOSED)
    assert bad.succeeded == 3
    assert worker.good("asks_a_client_of_its_own", times=6, at_once=False).all_succeeded()


@pytest.mark.proof("CEL217")
@pools("prefork", long=["solo"])
def test_a_client_of_a_task_meets_closed_loops(start: Start, servers: Servers, pool: str) -> None:
    """Every second run of the one task gets a connection that is dead."""
    worker = start("shared", pool, servers, concurrency=1)
    closed = "Event loop is closed"
    for runner in ("asyncio.run", "async_to_sync"):
        bad = worker.bad("asks_one_client_in_each_of_its_runs", runner)
        assert bad.results == [["", closed, "", closed]]
    assert worker.good("asks_a_client_of_each_run").all_succeeded()


@pytest.mark.proof("CEL233")
@pools("prefork", long=["solo"])
def test_a_cache_keeps_clients_of_a_closed_loop(start: Start, servers: Servers, pool: str) -> None:
    """A dictionary or a cached function is as lasting as a name of the module."""
    worker = start("shared", pool, servers, concurrency=1)
    for task in ("asks_the_kept_client", "asks_the_cached_client"):
        bad = worker.bad(task, times=6, at_once=False)
        assert bad.failed_only_with(CLOSED)
        assert bad.succeeded == 3
    assert worker.good("asks_a_client_of_its_own", times=6, at_once=False).all_succeeded()


@pytest.mark.proof("CEL127")
@pools("prefork", long=["solo"])
def test_a_lock_belongs_to_the_first_loop_that_waits(start: Start, servers: Servers, pool: str) -> None:
    """The first task in which two coroutines meet decides."""
    worker = start("shared", pool, servers, concurrency=1)
    bad = worker.bad("meets_at_the_shared_lock", times=3, at_once=False)
    assert bad.succeeded == 1
    assert bad.failed_only_with(DIFFERENT_LOOP)
    assert worker.good("meets_at_a_lock_of_its_own", times=3, at_once=False).all_succeeded()


@pytest.mark.proof("CEL122")
@pools("prefork")
def test_the_thread_of_a_loop_stays_in_the_parent(start: Start, servers: Servers, pool: str) -> None:
    """A loop that the module starts runs in no child."""
    worker = start("shared", pool, servers)
    assert worker.bad("waits_for_the_loop_of_the_parent").failed_only_with("TimeoutError: .*")
    assert worker.good("waits_for_the_loop_of_the_process").all_succeeded()


@pytest.mark.proof("CEL234")
@pools("prefork", long=["solo"])
def test_a_pool_serves_one_loop(start: Start, database: Servers, pool: str) -> None:
    """What the kept loop has left in the pool fails on the next loop."""
    worker = start("shared", pool, database, concurrency=1)
    assert worker.good("asks_on_the_kept_loop", settle=0).all_succeeded()
    assert worker.bad("asks_on_a_loop_of_its_own").failed_only_with(DIFFERENT_LOOP, ANOTHER_OPERATION)


@pytest.mark.proof("CEL232")
@pools("prefork", long=["solo"])
def test_connections_cannot_say_goodbye_on_another_loop(start: Start, database: Servers, pool: str) -> None:
    """Every disposal after the run is logged with a traceback."""
    worker = start("shared", pool, database, concurrency=1)
    assert worker.good("disposes_in_the_same_run", times=3, at_once=False).all_succeeded()
    assert "Event loop is closed" not in worker.log()
    worker.bad("disposes_in_a_second_run", times=3, at_once=False)
    assert until(lambda: worker.log().count("Exception closing connection") >= 3)
    assert "RuntimeError: Event loop is closed" in worker.log()


@pytest.mark.proof("CEL232")
@pools("prefork", long=["solo"])
def test_connections_cannot_be_closed_in_plain_code(start: Start, database: Servers, pool: str) -> None:
    """The synchronous side of an engine empties its pool, and logs a traceback for each connection."""
    worker = start("shared", pool, database, concurrency=1)
    assert worker.good("forgets_in_plain_code", times=3, at_once=False).all_succeeded()
    assert "MissingGreenlet" not in worker.log()
    assert worker.bad("disposes_in_plain_code", times=3, at_once=False).all_succeeded()
    assert until(lambda: worker.log().count("sqlalchemy.exc.MissingGreenlet") >= 3)
