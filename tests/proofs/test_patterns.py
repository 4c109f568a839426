"""Every way to run a coroutine in every pool: the figures of ``docs/proofs.md``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.proofs.harness import Servers, Worker
from tests.proofs.pages import BODIES, POOLS, RUNNERS
from tests.proofs.pools import pools


@pools(long=POOLS)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("runner", RUNNERS)
def test_pattern(start: Callable[..., Worker], database: Servers, runner: str, body: str, pool: str) -> None:
    """Twenty tasks at once; only one kept loop, ours or another, is right everywhere."""
    if runner == "nest_asyncio":
        pytest.importorskip("nest_asyncio")
    worker = start("event_loops", pool, database)
    outcome = worker.noted("pattern", "run", runner, body, times=20, hung=6)
    worker.stop(8)
    if runner in ("one kept loop", "celery_lint.runtime") and body != "disposed":
        assert outcome.all_succeeded()
        assert worker.stopped
