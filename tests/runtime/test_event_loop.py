"""``run_async`` in one process; what it does in workers of every pool is shown in ``tests/proofs``."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from celery_lint.runtime import event_loop, on_shutdown, owner, per_process, run_async, shutdown

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """Each test has a loop of its own, and leaves none behind."""
    finalizers = list(event_loop._finalizers)
    yield
    shutdown()
    event_loop._finalizers[:] = finalizers


async def loop_of_this_call() -> asyncio.AbstractEventLoop:
    await asyncio.sleep(0)
    return asyncio.get_running_loop()


def test_the_result_comes_back() -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    assert run_async(double(21)) == 42


def test_one_loop_serves_every_call_and_thread() -> None:
    with ThreadPoolExecutor(4) as pool:
        loops = set(pool.map(lambda _: run_async(loop_of_this_call()), range(40)))
    assert loops == {run_async(loop_of_this_call())}


def test_calls_of_several_threads_run_at_once() -> None:
    async def meet() -> int:
        nonlocal waiting
        waiting += 1
        if waiting == 8:
            together.set()
        await asyncio.wait_for(together.wait(), 10)
        return waiting

    waiting = 0
    together = asyncio.Event()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: run_async(meet()), range(8))) == [8] * 8


def test_exceptions_pass_unchanged_with_their_traceback() -> None:
    async def deep() -> None:
        await asyncio.sleep(0)
        raise RuntimeError("the real error")

    async def outer() -> None:
        await deep()

    with pytest.raises(RuntimeError, match=r"^the real error$") as caught:
        run_async(outer())
    assert caught.value.__context__ is None
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-2:] == ["outer", "deep"]


def test_a_cancelled_coroutine_says_so() -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_async(give_up())
    assert run_async(loop_of_this_call())


def test_a_call_from_the_loop_itself_is_an_error_and_not_a_deadlock() -> None:
    async def nested() -> None:
        run_async(loop_of_this_call())

    with pytest.raises(RuntimeError, match="called from its own event loop; use `await`"):
        run_async(nested())


def test_another_loop_of_the_caller_does_not_matter() -> None:
    async def handler() -> object:
        return run_async(loop_of_this_call())  # an eager task in a web handler: blocks, but works

    assert asyncio.run(handler()) is run_async(loop_of_this_call())


def test_a_function_is_no_coroutine() -> None:
    with pytest.raises(TypeError, match="takes a coroutine, not <function"):
        run_async(loop_of_this_call)  # type: ignore[arg-type]


def test_context_variables_of_the_caller_are_seen() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")

    async def who() -> str:
        await asyncio.sleep(0.01)
        return name.get()

    def call(value: str) -> str:
        name.set(value)
        return run_async(who())

    names = [f"n{number}" for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(call, names)) == names
    assert run_async(who()) == "nobody"


class Interrupted(Exception):
    """What a soft time limit is to a task: raised by a signal handler in the waiting thread."""


def _interrupt(number: int, frame: object) -> None:
    raise Interrupted


@pytest.fixture
def alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _interrupt)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_an_interrupted_caller_cancels_its_coroutine() -> None:
    steps = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            steps.append("cancelled")
            raise
        finally:
            await asyncio.sleep(0.05)
            steps.append("cleaned up")

    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(Interrupted):
        run_async(work())
    assert steps == ["cancelled", "cleaned up"]
    assert run_async(loop_of_this_call())


@pytest.mark.usefixtures("alarm")
def test_a_coroutine_that_ignores_its_cancellation_is_abandoned(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(owner, "GRACE", 0.2)

    async def stubborn() -> None:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.1)

    signal.setitimer(signal.ITIMER_REAL, 0.1)
    with pytest.raises(Interrupted):
        run_async(stubborn())
    assert "ignored its cancellation" in caplog.text
    time.sleep(1.1)  # its late end must not wake another call
    assert run_async(asyncio.sleep(0.05, "mine")) == "mine"


def test_finalizers_run_on_the_loop_the_last_first_and_none_hides_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    order = []
    loop = run_async(loop_of_this_call())

    @on_shutdown
    async def first() -> None:
        order.append(("first", asyncio.get_running_loop() is loop))

    @on_shutdown
    async def broken() -> None:
        raise ValueError("cannot close")

    @on_shutdown
    async def last() -> None:
        order.append(("last", asyncio.get_running_loop() is loop))

    shutdown()
    assert order == [("last", True), ("first", True)]
    assert "cannot close" in caplog.text
    assert loop.is_closed()
    shutdown()
    assert run_async(loop_of_this_call()) is not loop


def test_shutdown_cancels_what_still_runs() -> None:
    async def work() -> None:
        await asyncio.sleep(60)

    run_async(loop_of_this_call())
    failures: list[BaseException] = []

    def call() -> None:
        try:
            run_async(work())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    running = event_loop._owner
    assert running is not None
    deadline = time.monotonic() + 10
    while not running._jobs and time.monotonic() < deadline:
        time.sleep(0.01)
    shutdown()
    thread.join(10)
    assert not thread.is_alive()
    assert isinstance(failures[0], asyncio.CancelledError)


def test_per_process_makes_one_object_and_closes_it() -> None:
    closed = []

    async def close(thing: list[int]) -> None:
        closed.append(thing)

    thing = per_process(lambda: [os.getpid()], close)

    async def use() -> list[int]:
        return thing()

    assert run_async(use()) is run_async(use())
    assert run_async(use()) == [os.getpid()]
    shutdown()
    assert closed == [[os.getpid()]]
    shutdown()
    assert len(closed) == 1


FORKED = """
import asyncio, os, sys
from celery_lint.runtime import per_process, run_async, shutdown

thing = per_process(os.getpid)

async def use():
    await asyncio.sleep(0)
    return thing()

parent = run_async(use())
child = os.fork()
if child == 0:
    mine = run_async(use())
    shutdown()
    os._exit(0 if mine == os.getpid() != parent else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert run_async(use()) == parent
shutdown()
print("both")
"""


def test_a_forked_child_has_a_loop_and_objects_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "both\n", done.stderr


def test_workers_end_the_loop_by_both_signals() -> None:
    from celery.signals import worker_process_shutdown, worker_shutdown

    for signal_ in (worker_process_shutdown, worker_shutdown):
        loop = run_async(loop_of_this_call())
        signal_.send(sender=None)
        assert loop.is_closed()
