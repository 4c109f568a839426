"""The short form of ``benchmarks/scheduling.py``: schedulers that are killed, a database that goes away."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("cronsim")

from benchmarks import scheduling
from tests.runtime import databases

if TYPE_CHECKING:
    from tests.proofs.harness import Servers


@pytest.mark.parametrize("kind", databases.KINDS)
def test_no_moment_is_lost_and_none_is_run_twice(kind: str, servers: Servers) -> None:
    """One kill hits between claim and dispatch, one between dispatch and its record."""
    if kind in databases.VARIABLES:
        assert os.environ[databases.VARIABLES[kind]]
    found = scheduling.under_fire(kind, servers.broker, jobs=4, moments=8, kills=2, outages=1, away=3)
    assert scheduling.is_good(found), found
    assert found["killed"] == 2
    assert found["moments"] >= 32
