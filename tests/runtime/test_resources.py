"""Objects that each process makes for itself: one for each loop, however many ask, and closed with it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from celery_lint.runtime import event_loop, per_process, run_async, shutdown


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    finalizers = list(event_loop._finalizers)
    yield
    shutdown()
    event_loop._finalizers[:] = finalizers


class Thing:
    """Counts what is made and what is closed, and by which loop."""

    made: list[Thing]
    closed: list[Thing]

    def __init__(self) -> None:
        self.made.append(self)
        self.loop = asyncio.get_running_loop()

    async def close(self) -> None:
        assert asyncio.get_running_loop() is self.loop
        self.closed.append(self)


@pytest.fixture(autouse=True)
def _counted() -> None:
    Thing.made, Thing.closed = [], []


async def use(thing: Any) -> Any:
    await asyncio.sleep(0)
    return thing()


async def wait_for(thing: Any) -> Any:
    return await thing


async def make() -> Thing:
    await asyncio.sleep(0.01)
    return Thing()


def test_one_object_is_made_and_closed() -> None:
    thing = per_process(Thing, Thing.close)
    assert run_async(use(thing)) is run_async(use(thing)) is thing()
    shutdown()
    assert len(Thing.made) == 1
    assert Thing.closed == Thing.made
    shutdown()
    assert len(Thing.closed) == 1


@pytest.mark.parametrize("factory", [Thing, make])
def test_threads_that_ask_at_once_get_the_same(factory: Any) -> None:
    thing = per_process(factory, Thing.close)
    together = threading.Barrier(8)

    def ask(number: int) -> Any:
        together.wait(60)
        return thing() if number % 2 else run_async(wait_for(thing))

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(ask, range(8)))
    assert found == set(Thing.made)
    assert len(found) == 1
    shutdown()
    assert Thing.closed == Thing.made


def test_what_belonged_to_a_loop_ends_with_it() -> None:
    thing = per_process(Thing)  # nobody closes it, and it is not given out again all the same
    first = run_async(use(thing))
    shutdown()
    second = run_async(use(thing))
    assert second is not first
    assert second.loop is not first.loop


def test_an_asynchronous_factory() -> None:
    thing = per_process(make, Thing.close)
    with pytest.raises(RuntimeError, match="is asynchronous; use `await` in place of the call"):
        run_async(use(thing))
    assert run_async(wait_for(thing)) is run_async(use(thing)) is thing()
    shutdown()
    assert Thing.closed == Thing.made


def test_a_factory_that_fails_is_asked_again() -> None:
    async def fail_first() -> Thing:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("not yet")
        return Thing()

    attempts: list[int] = []
    thing = per_process(fail_first, Thing.close)
    with pytest.raises(OSError, match="not yet"):
        run_async(wait_for(thing))
    assert run_async(wait_for(thing)) is Thing.made[0]


def test_a_plain_function_may_close() -> None:
    closed: list[object] = []
    thing = per_process(object, closed.append)
    found = thing()
    shutdown()
    assert closed == [found]


def test_a_loop_of_somebody_else_has_an_object_of_its_own() -> None:
    """A web server's, say: its connections are no other loop's."""
    thing = per_process(Thing, Thing.close)
    mine = run_async(use(thing))

    async def handle() -> Thing:
        found: Thing = thing()
        assert found is not mine
        assert found is await thing
        await thing.aclose()
        return found

    assert Thing.closed == [asyncio.run(handle())]
    assert run_async(use(thing)) is mine
    thing_of_no_loop = per_process(Thing, Thing.close)
    asyncio.run(thing_of_no_loop.aclose())


def test_what_closed_loops_have_left_is_let_go() -> None:
    thing = per_process(Thing)
    for _ in range(5):
        asyncio.run(use(thing))
    assert len(thing._kept) == 1


def test_a_pool_of_connections(postgres_url: str) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    pool = per_process(lambda: asyncpg.create_pool(postgres_url, min_size=1, max_size=2), asyncpg.Pool.close)

    async def ask(number: int) -> int:
        return int(await (await pool).fetchval(f"select {number}"))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda number: run_async(ask(number)), range(40))) == list(range(40))
    held = pool()
    shutdown()
    assert held._closed


@pytest.fixture
def postgres_url(_postgres: str) -> str:
    if _postgres.startswith("missing: "):
        pytest.skip(_postgres.removeprefix("missing: "))
    return _postgres


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a fork in a process with threads
def test_a_forked_child_makes_its_own() -> None:
    thing = per_process(os.getpid)
    parent = thing()
    child = os.fork()
    if child == 0:
        os._exit(0 if thing() == os.getpid() != parent else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert thing() == parent
