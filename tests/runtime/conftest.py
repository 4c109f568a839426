"""Servers and workers for the tests of the runtime, as for the proofs, and databases of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.proofs.conftest import _postgres, _redis, _stack, database, servers  # noqa: F401
from tests.runtime import databases

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker


@pytest.fixture(scope="module", params=databases.KINDS)
def empty_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database for the tests of a module, of each kind; what a test makes in it, it takes away again."""
    with databases.of_kind(request.param, tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture
def sessions(empty_database: str) -> Iterator[sessionmaker[Session]]:
    """Sessions of a database that has the tables of the scheduler, empty."""
    with databases.with_tables(empty_database) as made:
        yield made
