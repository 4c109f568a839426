"""Proofs of time limits."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import pytest

from tests.proofs.harness import Servers, Worker
from tests.proofs.pools import pools

Start = Callable[..., Worker]


@pytest.mark.proof("CEL511")
@pools("prefork", long=["solo", "threads", "gevent", "eventlet"])
def test_a_soft_limit_above_the_hard_one_is_refused(start: Start, servers: Servers, pool: str) -> None:
    """Celery 5.7 does not send such a task."""
    if tuple(map(int, version("celery").split(".")[:2])) < (5, 7):
        pytest.skip("Celery before 5.7 sends such a task")
    worker = start("limits", pool, servers)
    assert worker.bad("sends", "soft_above_hard").failed_only_with(
        r"ValueError: soft_time_limit must be less than or equal to time_limit"
    )
    assert worker.good("sends", "soft_below_hard").all_succeeded()
