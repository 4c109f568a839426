"""``run_async`` on a pooled engine in workers of every pool; the long form is ``benchmarks/soak.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import soak

if TYPE_CHECKING:
    from tests.proofs.harness import Servers


@pytest.fixture(params=soak.POOLS)
def pool(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name in ("gevent", "eventlet"):
        pytest.importorskip(name)
    return name


def test_every_task_succeeds_and_the_worker_leaves_nothing_behind(pool: str, database: Servers) -> None:
    outcome = soak.burst(pool, database, 60)
    assert (outcome["succeeded"], outcome["hung"], outcome["errors"]) == (60, 0, {})
    assert (outcome["stopped"], outcome["left"]) == (True, 0)


def test_a_worker_is_started_used_and_stopped(database: Servers) -> None:
    pytest.importorskip("gevent")  # where a loop in the wrong place hangs at the end, see `runtime/owner.py`
    assert soak.cycle("gevent", database)


@pytest.mark.parametrize("interruptible", soak.INTERRUPTIONS)
def test_a_task_that_is_interrupted_cleans_up(interruptible: str, database: Servers) -> None:
    if interruptible == "gevent":
        pytest.importorskip("gevent")
    found = soak.endings(interruptible, database)
    assert len(found) == 2
    assert [ending for ending in found if not ending.good()] == []
    expected = {
        "prefork": ["SoftTimeLimitExceeded", "REVOKED"],
        "gevent": ["TimeLimitExceeded", "REVOKED"],
    }
    assert [ending.outcome for ending in found] == expected[interruptible]
