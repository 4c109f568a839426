"""Coroutines that end by something else than an error, in workers of every pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import soak
from tests.proofs.harness import Worker, until

if TYPE_CHECKING:
    from tests.proofs.harness import Servers

DEADLINE = 120.0


@pytest.fixture(params=soak.POOLS)
def pool(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name in ("gevent", "eventlet"):
        pytest.importorskip(name)
    return name


@pytest.fixture
def start(database: Servers) -> Iterator[Callable[..., Worker]]:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def started(pool: str, **options: Any) -> Worker:
            folder = Path(__file__).parent / "applications"
            return stack.enter_context(Worker("stopped", pool, database, folder=folder, **options))

        yield started


def not_acknowledged(worker: Worker) -> int:
    """Messages that the broker would deliver again."""
    return int(worker.app.backend.client.hlen(f"{worker.name}:unacked"))


def test_the_task_fails_and_everybody_else_goes_on(pool: str, start: Callable[..., Worker]) -> None:
    """Before, the task stayed STARTED or the worker died, and no later query of the process succeeded."""
    worker = start(pool, concurrency={"prefork": 1, "solo": 1}.get(pool, 4))
    process = worker.run("application.ping", settle=0).results
    bystander = ""
    if pool not in ("prefork", "solo"):
        bystander = worker.send("bystands")
        assert until(lambda: "bystander begun" in worker.marks(), DEADLINE)
    for by in ("CancelledError", "SystemExit", "KeyboardInterrupt"):
        outcome = worker.run("stops", by, settle=0, hung=DEADLINE)
        assert outcome.failed_only_with(r"CoroutineStopped: the coroutine '\w+' (was cancelled|raised).*"), by
        assert worker.run("asks", times=3, settle=0, hung=DEADLINE).results == [7, 7, 7], by
    if bystander:
        (worker.marks_folder / "go on").touch()
        answer = worker.answer(bystander, DEADLINE)
        assert answer is not None
        assert (answer["status"], answer["result"]) == ("SUCCESS", 14)
    assert worker.run("application.ping", settle=0).results == process, "no process was replaced"
    assert until(lambda: not not_acknowledged(worker), DEADLINE)
    assert worker.stop(DEADLINE)
    assert worker.connections(20) == 0


def test_a_coroutine_that_is_left_keeps_no_engine_from_being_disposed_of(
    start: Callable[..., Worker],
) -> None:
    worker = start("prefork", concurrency=1)
    assert worker.run("asks", settle=0, hung=DEADLINE).results == [7]
    outcome = worker.run("is_stubborn", settle=0, hung=DEADLINE)
    assert outcome.failed_only_with("SoftTimeLimitExceeded.*")
    assert "stubborn cancelled" in worker.marks()
    assert worker.stop(DEADLINE)
    assert worker.connections(20) == 0
    assert "not cancelled within 5.0 s" in worker.log()


@pytest.mark.parametrize("pool", ["threads", "gevent"])
def test_a_worker_tells_what_blocks_its_loop(pool: str, start: Callable[..., Worker]) -> None:
    if pool == "gevent":
        pytest.importorskip("gevent")
    worker = start(pool)
    worker.send("blocks")
    assert until(lambda: "the event loop has been blocked for" in worker.log(), DEADLINE), worker.log()[
        -3000:
    ]
    (worker.marks_folder / "go on").touch()
    assert until(lambda: "the event loop goes on" in worker.log(), DEADLINE), worker.log()[-3000:]
    assert "in block\n" in worker.log(), worker.log()[-3000:]
