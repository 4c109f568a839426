"""Databases that a test has to itself, on SQLite and on the servers that the environment names.

Nothing is imported before a test asks for it: without SQLAlchemy the tests are still collected.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

#: The drivers for synchronous and for asynchronous engines.
DRIVERS = {
    "postgresql": ("postgresql+psycopg2", "postgresql+asyncpg"),
    "mysql": ("mysql+pymysql", "mysql+aiomysql"),
    "sqlite": ("sqlite", "sqlite+aiosqlite"),
}
VARIABLES = {"postgresql": "CELERY_LINT_POSTGRES_URL", "mysql": "CELERY_LINT_MYSQL_URL"}


def _parameter(kind: str) -> object:
    variable = VARIABLES.get(kind)
    missing = variable is not None and not os.environ.get(variable)
    return pytest.param(kind, marks=pytest.mark.skipif(missing, reason=f"no server: set {variable}"))


#: Parameters for a fixture that is made on each kind of database.
KINDS = [_parameter(kind) for kind in DRIVERS]


def driven(url: str, *, asynchronous: bool = False) -> str:
    """The URL with the driver for it."""
    from sqlalchemy import make_url

    made = make_url(url)
    driver = DRIVERS[made.get_backend_name()][asynchronous]
    return made.set(drivername=driver).render_as_string(hide_password=False)


@contextmanager
def fresh(url: str) -> Iterator[str]:
    """A database of its own on a server; its URL names no driver."""
    from sqlalchemy import create_engine, make_url, text

    named = make_url(url)
    name = f"runtime_{uuid.uuid4().hex[:12]}"
    engine = create_engine(driven(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database {name}"))
    try:
        yield named.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            force = " with (force)" if named.get_backend_name() == "postgresql" else ""
            connection.execute(text(f"drop database {name}{force}"))
        engine.dispose()


@contextmanager
def of_kind(kind: str, folder: Path) -> Iterator[str]:
    """A database of one of the ``KINDS``."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/test.db"
        return
    for driver in DRIVERS[kind]:
        pytest.importorskip(driver.partition("+")[2])
    with fresh(os.environ[VARIABLES[kind]]) as url:
        yield url


@contextmanager
def with_tables(url: str) -> Iterator[sessionmaker[Session]]:
    """Sessions of a database in which the tables of the scheduler are made, and taken away again."""
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    from celery_lint.runtime.models import Base

    patient = {"timeout": 30} if url.startswith("sqlite") else {}
    engine = create_engine(driven(url), connect_args=patient)
    Base.metadata.create_all(engine)
    try:
        yield sessionmaker(engine, expire_on_commit=False)
    finally:
        Base.metadata.drop_all(engine)
        engine.dispose()
