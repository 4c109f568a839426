"""Tasks that use engines, sessions and connections in one way or another."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from application import PREFIX, app, async_engine, sync_engine
from asgiref.sync import async_to_sync
from bridge import kept_loop
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool


class Base(DeclarativeBase):
    """The tables of these tasks."""


class Item(Base):
    """One row, in a table that this worker has for itself."""

    __tablename__ = PREFIX

    name: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default="new")


own = sync_engine(poolclass=NullPool)


@app.task
def create() -> None:
    """Make the table."""
    Base.metadata.create_all(own)


@app.task
def change(name: str, state: str) -> None:
    """Write a row from elsewhere."""
    with Session(own) as session:
        session.merge(Item(name=name, state=state))
        session.commit()


@app.task
def rows() -> list[str]:
    """The names that are in the table."""
    with Session(own) as session:
        return list(session.scalars(select(Item.name).order_by(Item.name)))


async def query(engine: Any, fails: bool = False) -> int:
    """Wait for the database, and fail then if that is wanted."""
    async with engine.connect() as connection:
        await connection.execute(text("select pg_sleep(0.05)"))
    if fails:
        raise ValueError("no such order")
    return 1


# ------------------------------------------------------------------------------------ disposal

forgotten = async_engine()
skipped = async_engine()
careful = async_engine()
first = async_engine()
second = async_engine()


@app.task
def calls_dispose() -> int:
    """Makes the coroutine of the disposal and runs nothing."""
    result = asyncio.run(query(forgotten))
    forgotten.dispose()  # type: ignore[unused-coroutine]
    return result


@app.task
def disposes_at_the_end() -> int:
    """The disposal comes after what fails."""

    async def execute() -> int:
        result = await query(skipped, fails=True)
        await skipped.dispose()
        return result

    return asyncio.run(execute())


@app.task
def disposes_of_its_own_at_the_end(collects: bool) -> int:
    """The same with an engine of this run, which nothing holds afterwards."""

    async def execute() -> int:
        engine = async_engine()
        result = await query(engine, fails=True)
        await engine.dispose()
        return result

    if collects:
        return gc.collect()
    return asyncio.run(execute())


@app.task
def disposes_in_finally(fails: bool) -> int:
    """The disposal comes in any case."""

    async def execute() -> int:
        try:
            return await query(careful, fails)
        finally:
            await careful.dispose()

    return asyncio.run(execute())


async def dispose_first() -> None:
    """A function of the project around a disposal."""
    await first.dispose()
    raise OSError("the metrics server is away")


@app.task
def disposes_in_a_chain(guarded: bool) -> None:
    """Two disposals, of which the first one fails."""

    async def execute() -> None:
        try:
            await query(first)
            await query(second)
        finally:
            if guarded:
                try:
                    await dispose_first()
                finally:
                    await second.dispose()
            else:
                await dispose_first()
                await second.dispose()

    asyncio.run(execute())


async def dispose_slowly() -> None:
    """A disposal that takes its time."""
    await first.dispose()
    await asyncio.sleep(3)


@app.task(soft_time_limit=2)
def disposes_until_the_limit(runner: str) -> None:
    """Two disposals, in the first of which the soft time limit comes."""

    async def execute() -> None:
        try:
            await query(first)
            await query(second)
        finally:
            await dispose_slowly()
            await second.dispose()

    if runner == "asyncio.run":
        asyncio.run(execute())
    else:
        async_to_sync(execute)()


shared = async_engine()


@app.task
def disposes_in_a_thread() -> int:
    """Each thread has a loop of its own, and all share the engine."""

    async def execute() -> int:
        try:
            return await query(shared)
        finally:
            await shared.dispose()

    return asyncio.run(execute())


@app.task
def shares_the_loop() -> int:
    """All threads share the loop as well."""
    return int(kept_loop(query(shared)))


@app.task
def makes_an_engine() -> None:
    """A pool for each run, which nobody closes."""
    with Session(sync_engine()) as session:
        session.execute(text("select 1"))


@app.task
def makes_and_disposes() -> None:
    """A pool for each run, which is closed."""
    engine = sync_engine()
    try:
        with Session(engine) as session:
            session.execute(text("select 1"))
    finally:
        engine.dispose()


# ------------------------------------------------------------------------------------ sessions

pool_of_two = sync_engine(pool_size=2, max_overflow=0, pool_timeout=1)
Two = sessionmaker(pool_of_two)
module_session = Session(sync_engine())
Scoped = scoped_session(sessionmaker(sync_engine()))
asynchronous = async_engine(poolclass=NullPool)


@app.task
def opens_a_session() -> int:
    """Nobody closes the session."""
    session = Two()
    return int(session.execute(text("select 1")).scalar_one())


@app.task
def opens_a_session_in_with() -> int:
    """The end of the block closes it."""
    with Two() as session:
        return int(session.execute(text("select 1")).scalar_one())


@app.task
def adds_in_the_module_session(name: str) -> None:
    """All tasks of the process use one session."""
    module_session.add(Item(name=name))
    module_session.commit()


@app.task
def adds_in_a_session(name: str) -> None:
    """Each task has a session."""
    with Session(own) as session:
        session.add(Item(name=name))
        session.commit()


@app.task
def counts_in_the_scoped_session() -> int:
    """The session of the thread stays as the task leaves it, in the middle of a transaction."""
    return len(Scoped.scalars(select(Item)).all())


@app.task
def counts_and_removes() -> int:
    """The next task begins anew."""
    try:
        return len(Scoped.scalars(select(Item)).all())
    finally:
        Scoped.remove()


@app.task
def adds_in_the_scoped_session(name: str) -> None:
    """A failure stays in the session."""
    Scoped.add(Item(name=name))
    Scoped.commit()


@app.task
def adds_and_removes(name: str) -> None:
    """A failure goes away with the session."""
    try:
        Scoped.add(Item(name=name))
        Scoped.commit()
    finally:
        Scoped.remove()


@app.task
def commits_after_the_block(name: str) -> None:
    """The close has rolled back what the commit is meant for."""
    with Session(own) as session:
        session.add(Item(name=name))
        session.flush()
    session.commit()


@app.task
def saves_the_failure(rolls_back: bool) -> None:
    """The handler goes on with a session whose flush has failed."""
    with Session(own) as session:
        try:
            session.add(Item(name="twice"))
            session.flush()
            session.expunge_all()
            session.add(Item(name="twice"))
            session.flush()
        except SQLAlchemyError:
            if rolls_back:
                session.rollback()
            session.add(Item(name="failed"))
            session.commit()


@app.task
def shares_the_session() -> int:
    """Two coroutines use one session at the same time."""

    async def execute() -> int:
        async with AsyncSession(asynchronous) as session:
            await asyncio.gather(*(session.execute(text("select pg_sleep(0.1)")) for _ in range(2)))
        return 1

    return asyncio.run(execute())


@app.task
def opens_two_sessions() -> int:
    """Each coroutine has its own."""

    async def execute() -> int:
        async with AsyncSession(asynchronous) as session, AsyncSession(asynchronous) as other:
            waits = (each.execute(text("select pg_sleep(0.1)")) for each in (session, other))
            await asyncio.gather(*waits)
        return 1

    return asyncio.run(execute())


@app.task
def waits_for_itself(asynchronously: bool) -> None:
    """Changes a row in an asynchronous session and again in another one beside it."""
    wait_a_little = text("set local lock_timeout = '500ms'")
    again = text(f"update \"{PREFIX}\" set state = 'again' where name = 'locked'")

    async def execute() -> None:
        async with AsyncSession(asynchronous) as session:
            item = await session.get_one(Item, "locked")
            item.state = "changed"
            await session.flush()
            if asynchronously:
                await session.execute(again)
            else:
                with Session(own) as other:
                    other.execute(wait_a_little)
                    other.execute(again)
                    other.commit()
            await session.commit()

    asyncio.run(execute())
