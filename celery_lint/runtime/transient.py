"""Errors of a database that time may mend, told from those that it will not.

Which exception a driver raises when its server goes away differs from driver to driver and from moment to
moment: ``OperationalError``, ``InterfaceError``, a plain ``DBAPIError``, ``OSError``. A list of classes for
``autoretry_for`` either misses some or catches what no retry mends. :class:`transient_errors` looks at the
error instead, and gives it one name.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

#: Classes of SQLSTATE: connection, rollback of a transaction, out of resources, intervention of an operator.
_PASSING_STATES = ("08", "40", "53", "57")


class DatabaseAway(ConnectionError):
    """The database could not be reached, was busy, or has ended the connection or the transaction."""


class transient_errors:
    """Raise :class:`DatabaseAway` in place of errors that may pass; others go on unchanged.

    A plain ``with``, in coroutines too, around the whole transaction: what is retried is the task::

        with transient_errors():
            async with session_scope(Session) as session: ...

        @shared_task(**RetryPolicy((DatabaseAway,), base=10).options())
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        if error is not None and not isinstance(error, DatabaseAway) and may_pass(error):
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            raise DatabaseAway(f"{type(cause).__name__}: {cause}") from error


def may_pass(error: BaseException) -> bool:
    """Whether the database may take the same a little later: it is away, busy, restarting or locked."""
    if isinstance(error, (PoolTimeout, OSError)):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if isinstance(state, str):
        return state[:2] in _PASSING_STATES
    if isinstance(cause, sqlite3.OperationalError):
        return any(word in str(cause) for word in ("locked", "busy", "unable to open", "disk I/O"))
    return isinstance(error, (OperationalError, InterfaceError))


__all__ = ["DatabaseAway", "may_pass", "transient_errors"]
