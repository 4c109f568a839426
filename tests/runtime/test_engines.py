"""Scopes of sessions and engines, synchronous and asynchronous."""

from __future__ import annotations

import os
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from celery_lint.runtime import run_async, shutdown
from celery_lint.runtime.engines import engine_scope, fork_safe, session_scope
from tests.runtime.databases import driven


@pytest.fixture
def engine(empty_database: str) -> Any:
    made = create_engine(driven(empty_database))
    with made.begin() as connection:
        connection.execute(text("create table orders (id integer)"))
    yield made
    shutdown()
    with made.begin() as connection:
        connection.execute(text("drop table orders"))
    made.dispose()


@pytest.fixture
def asynchronous(empty_database: str, engine: Engine) -> AsyncEngine:
    return create_async_engine(driven(empty_database, asynchronous=True))


def orders(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(text("select count(*) from orders")).scalar_one()


INSERT = text("insert into orders values (1)")


class Lost(Exception):
    pass


def insert_and_fail(factory: Any) -> None:
    with session_scope(factory) as session:
        session.execute(INSERT)
        raise Lost


def test_a_session_is_committed_and_closed(engine: Engine) -> None:
    with session_scope(sessionmaker(engine)) as session:
        session.execute(INSERT)
    assert not session.in_transaction()
    assert orders(engine) == 1
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_session_is_rolled_back_when_its_block_raises(engine: Engine) -> None:
    with pytest.raises(Lost):
        insert_and_fail(sessionmaker(engine))
    assert orders(engine) == 0
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_commit_that_fails_is_told_and_rolled_back(engine: Engine) -> None:
    factory = sessionmaker(engine)

    @event.listens_for(factory, "before_commit")
    def fail(session: object) -> None:
        raise Lost

    with pytest.raises(Lost), session_scope(factory) as session:
        session.execute(INSERT)
    assert orders(engine) == 0


def test_a_rollback_that_fails_does_not_hide_the_error(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    factory = sessionmaker(engine)

    @event.listens_for(factory, "after_rollback")
    def fail(session: object) -> None:
        raise ValueError("the connection is gone")

    with pytest.raises(Lost):
        insert_and_fail(factory)
    assert "the connection is gone" in caplog.text


def test_asynchronous_sessions_do_the_same(engine: Engine, asynchronous: AsyncEngine) -> None:
    factory = async_sessionmaker(asynchronous)

    async def insert(fail: bool) -> None:
        async with engine_scope(asynchronous), session_scope(factory) as session:
            await session.execute(INSERT)
            if fail:
                raise Lost

    run_async(insert(False))
    with pytest.raises(Lost):
        run_async(insert(True))
    assert orders(engine) == 1


class Disposals:
    """What is disposed of, in order; one engine fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, engines: list[Any], failing: int) -> None:
        self.order: list[int] = []
        for number, engine in enumerate(engines):
            monkeypatch.setattr(engine, "dispose", self.dispose_of(number, failing, engine))

    def dispose_of(self, number: int, failing: int, engine: Any) -> Any:
        def synchronous() -> None:
            self.order.append(number)
            if number == failing:
                raise ValueError("cannot close")

        async def asynchronous() -> None:
            synchronous()

        return asynchronous if isinstance(engine, AsyncEngine) else synchronous


def test_engines_are_disposed_of_one_by_one_and_no_failure_hides_another(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engines = [create_engine("sqlite://"), engine]
    disposals = Disposals(monkeypatch, engines, failing=0)
    with pytest.raises(Lost), engine_scope(*engines):
        raise Lost
    assert disposals.order == [0, 1]
    assert "cannot dispose of Engine(sqlite://)" in caplog.text


def test_asynchronous_engines_are_disposed_of_on_their_loop(
    asynchronous: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(AsyncEngine):
        async def dispose(self, close: bool = True) -> None:
            raise ValueError("cannot close")

    failing = Failing(create_async_engine("sqlite+aiosqlite://").sync_engine)

    async def work() -> None:
        async with engine_scope(failing, asynchronous):
            async with asynchronous.connect() as connection:
                await connection.execute(text("select 1"))
            assert asynchronous.pool.checkedin() == 1  # type: ignore[attr-defined]
            raise Lost

    with pytest.raises(Lost):
        run_async(work())
    assert asynchronous.pool.checkedin() == 0  # type: ignore[attr-defined]
    assert "cannot close" in caplog.text


def test_an_asynchronous_engine_needs_an_asynchronous_scope(asynchronous: AsyncEngine) -> None:
    with pytest.raises(TypeError, match="use `async with engine_scope"), engine_scope(asynchronous):
        pass


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a fork in a process with threads
def test_a_child_forgets_the_connections_of_its_parent(empty_database: str) -> None:
    engine = fork_safe(create_engine(driven(empty_database)))
    with engine.connect():
        pass
    assert engine.pool.checkedin() == 1  # type: ignore[attr-defined]
    child = os.fork()
    if child == 0:
        os._exit(engine.pool.checkedin())  # type: ignore[attr-defined]
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert engine.pool.checkedin() == 1  # type: ignore[attr-defined]
    engine.dispose()
