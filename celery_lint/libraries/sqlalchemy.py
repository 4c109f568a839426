"""What SQLAlchemy and SQLModel call their engines, sessions and makers, by dotted path.

A path that ends in ``()`` is what the call gives.
"""

from __future__ import annotations

_SYNC = ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.engine.create", "sqlmodel")
_ASYNC = ("sqlalchemy.ext.asyncio", "sqlalchemy.ext.asyncio.engine")
_SYNC_NAMES = ("create_engine", "engine_from_config")
_ASYNC_NAMES = ("create_async_engine", "async_engine_from_config", "create_async_pool_from_url")

#: Asynchronous drivers whose connections belong to the loop that opened them, and those that were measured
#: to work on one loop after another.
BOUND_DRIVERS = frozenset({"aiomysql", "aioodbc", "asyncmy", "asyncpg", "oracledb"})
FREE_DRIVERS = frozenset({"aiosqlite", "psycopg"})
#: Packages that use an engine or a session which they are given, and neither keep nor end it.
USERS_OF_ENGINES = ("sqlalchemy.", "sqlmodel.", "pandas.", "geopandas.", "polars.", "logging.")
#: What makes engines.
SYNC_ENGINE_MAKERS = frozenset(f"{module}.{name}" for module in _SYNC for name in _SYNC_NAMES)
ASYNC_ENGINE_MAKERS = frozenset(f"{module}.{name}" for module in _ASYNC for name in _ASYNC_NAMES)
ENGINE_MAKERS = SYNC_ENGINE_MAKERS | ASYNC_ENGINE_MAKERS
#: The engines themselves.
SYNC_ENGINES = frozenset(f"{maker}()" for maker in SYNC_ENGINE_MAKERS)
ASYNC_ENGINES = frozenset(f"{maker}()" for maker in ASYNC_ENGINE_MAKERS)
#: Classes of sessions.
SYNC_SESSIONS = frozenset(
    {
        "sqlalchemy.orm.Session",
        "sqlalchemy.orm.session.Session",
        "sqlmodel.Session",
        "sqlmodel.orm.session.Session",
    }
)
ASYNC_SESSIONS = frozenset(
    {
        "sqlalchemy.ext.asyncio.AsyncSession",
        "sqlalchemy.ext.asyncio.session.AsyncSession",
        "sqlmodel.ext.asyncio.session.AsyncSession",
    }
)
#: What makes sessions when it is called.
SYNC_MAKERS = frozenset({"sqlalchemy.orm.sessionmaker()", "sqlalchemy.orm.session.sessionmaker()"})
ASYNC_MAKERS = frozenset(
    {"sqlalchemy.ext.asyncio.async_sessionmaker()", "sqlalchemy.ext.asyncio.session.async_sessionmaker()"}
)
#: What makes a column, and the types of texts, which have a length or none.
COLUMNS = frozenset({"Column", "mapped_column"})
TEXTS = frozenset({"String", "Text", "Unicode", "UnicodeText"})
#: These make a query of rows.
SELECTS = (
    "sqlalchemy.select",
    "sqlalchemy.future.select",
    "sqlalchemy.sql.select",
    "sqlalchemy.sql.expression.select",
    "sqlmodel.select",
)
#: Registries with a session for each thread, greenlet or coroutine.
SYNC_SCOPED = frozenset({"sqlalchemy.orm.scoped_session()", "sqlalchemy.orm.scoping.scoped_session()"})
ASYNC_SCOPED = frozenset(
    {
        "sqlalchemy.ext.asyncio.async_scoped_session()",
        "sqlalchemy.ext.asyncio.scoping.async_scoped_session()",
    }
)
#: Methods of engines that open a connection.
CONNECTING = frozenset({"connect", "begin", "raw_connection", "execute", "run_callable"})
#: Bases of mapped classes. A new object of one takes the values of its columns as they are.
MAPPED_BASES = frozenset(
    {
        "flask_sqlalchemy.SQLAlchemy().Model",
        "sqlalchemy.ext.declarative.declarative_base()",
        "sqlalchemy.orm.DeclarativeBase",
        "sqlalchemy.orm.declarative_base()",
        "sqlmodel.SQLModel",
    }
)
#: The same where another package makes the object of Flask-SQLAlchemy: `from invenio_db import db`.
MAPPED_BY_ANOTHER = ".db.Model"
