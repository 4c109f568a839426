"""``run_async`` in one process; what it does in workers of every pool is shown in ``tests/proofs``."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from celery_lint.runtime import (
    CoroutineStopped,
    current_request,
    event_loop,
    green,
    on_shutdown,
    owner,
    run_async,
    shutdown,
)
from tests import processes

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


async def cancel_oneself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()  # as the cancel scopes of libraries do
    await asyncio.sleep(1)


async def give_up() -> None:
    raise asyncio.CancelledError


async def exit_() -> None:
    await asyncio.sleep(0)
    sys.exit(3)


async def exit_below() -> None:
    await asyncio.create_task(exit_())


async def press_ctrl_c() -> None:
    raise KeyboardInterrupt


async def end_a_generator() -> None:
    raise GeneratorExit


@pytest.mark.parametrize(
    "stop, cause, says",
    [
        (cancel_oneself, asyncio.CancelledError, "'cancel_oneself' was cancelled from within"),
        (give_up, asyncio.CancelledError, "'give_up' was cancelled from within"),
        (exit_, SystemExit, r"'exit_' raised SystemExit\(3\)"),
        (exit_below, SystemExit, "'exit_below' raised SystemExit"),
        (press_ctrl_c, KeyboardInterrupt, "'press_ctrl_c' raised KeyboardInterrupt"),
        (end_a_generator, GeneratorExit, "'end_a_generator' raised GeneratorExit"),
    ],
)
def test_what_is_no_error_becomes_one_and_ends_nobody_else(stop: Any, cause: type, says: str) -> None:
    """Celery lets a BaseException pass: a task that never ends, or a worker that does."""
    loop = run_async(loop_of_this_call())
    go_on = asyncio.Event()

    async def bystand() -> asyncio.AbstractEventLoop:
        await go_on.wait()
        return asyncio.get_running_loop()

    with ThreadPoolExecutor(1) as pool:
        bystander = pool.submit(run_async, bystand())
        with pytest.raises(CoroutineStopped, match=says) as caught:
            run_async(stop())
        assert isinstance(caught.value.__cause__, cause)
        loop.call_soon_threadsafe(go_on.set)
        assert bystander.result() is loop
    assert run_async(loop_of_this_call()) is loop


def test_an_exit_of_a_task_that_nobody_awaits_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def leave() -> asyncio.AbstractEventLoop:
        background.append(asyncio.create_task(exit_()))
        await asyncio.sleep(0)
        return asyncio.get_running_loop()

    background: list[asyncio.Task[None]] = []
    assert run_async(leave()) is run_async(loop_of_this_call())
    assert run_async(asyncio.wait_for(asyncio.wait(background), 60))
    assert "SystemExit(3) left a background task of the event loop, which goes on" in caplog.text
    with pytest.raises(SystemExit):
        background[0].result()


def test_a_loop_that_a_coroutine_stops_goes_on() -> None:
    async def stop() -> asyncio.AbstractEventLoop:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0.01)
        return asyncio.get_running_loop()

    assert run_async(stop()) is run_async(loop_of_this_call())


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

    assert name.get() == "nobody"
    names = [f"n{number}" for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(call, names)) == names
    assert run_async(who()) == "nobody"


def test_context_variables_that_the_coroutine_sets_are_set_afterwards() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")
    kept: contextvars.ContextVar[str] = contextvars.ContextVar("kept")

    async def rename(fail: bool) -> None:
        name.set("somebody" if not fail else "failed")
        await asyncio.sleep(0)
        if fail:
            raise ValueError

    def work() -> list[str]:
        kept.set("mine")
        run_async(rename(False))
        found = [name.get()]
        with pytest.raises(ValueError):  # noqa: PT011
            run_async(rename(True))
        return [*found, name.get(), kept.get()]

    assert contextvars.copy_context().run(work) == ["somebody", "failed", "mine"]
    assert name.get() == "nobody"


def test_a_coroutine_sees_the_request_of_its_task() -> None:
    from celery import Celery

    app = Celery("requests", broker="memory://", set_as_current=False)

    async def read() -> tuple[str, int]:
        await asyncio.sleep(0)
        request = current_request()
        return request.id, request.retries

    @app.task(bind=True)
    def task(self: Any) -> Any:
        found = run_async(read())
        assert current_request() is None, "only coroutines see it"
        return found

    outcome = task.apply()
    assert outcome.get(disable_sync_subtasks=False) == (outcome.id, 0)

    async def none() -> object:
        return current_request()

    assert run_async(none()) is None


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


def test_the_coroutine_is_told_what_interrupted_its_caller(alarm: None) -> None:
    reasons = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            reasons.append(str(error))
            raise

    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(Interrupted):
        run_async(work())
    assert reasons == ["Interrupted()"]


def test_an_error_of_a_cancelled_coroutine_is_logged(alarm: None, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("cannot clean up")

    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(Interrupted):
        run_async(work())
    assert "cannot clean up" in caplog.text


@pytest.mark.parametrize("before", [True, False])
def test_an_interruption_just_before_or_after_the_end_waits_for_nothing(
    before: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A signal strikes between two lines, too."""
    monkeypatch.setattr(owner, "GRACE", 1.0)
    ring = green.Bell.wait

    def interrupted(bell: green.Bell, timeout: float | None = None) -> Any:
        if timeout is None:
            if not before:
                ring(bell)
            monkeypatch.setattr(green.Bell, "wait", ring)
            raise Interrupted
        return ring(bell, timeout)

    async def work() -> None:
        ran.append(1)

    ran: list[int] = []
    run_async(work())
    monkeypatch.setattr(green.Bell, "wait", interrupted)
    with pytest.raises(Interrupted):
        run_async(work())
    assert caplog.text == ""
    assert len(ran) == 2 or before


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
    while not running._calls and time.monotonic() < deadline:
        time.sleep(0.01)
    shutdown()
    thread.join(10)
    assert not thread.is_alive()
    assert isinstance(failures[0], asyncio.CancelledError)


def test_finalizers_have_their_turn_whatever_does_not_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(owner, "GRACE", 0.2)
    monkeypatch.setattr(owner.LoopOwner.close, "__defaults__", (60.0,))
    closed = []

    async def stubborn() -> None:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)

    async def leave() -> None:
        background.append(asyncio.create_task(stubborn()))
        await asyncio.sleep(0)

    @on_shutdown
    async def first() -> None:
        closed.append("first")

    @on_shutdown
    async def exits() -> None:
        sys.exit()

    @on_shutdown
    async def hangs() -> None:
        await asyncio.sleep(600)

    background: list[asyncio.Task[None]] = []
    run_async(leave())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a loop that is closed under a task
        shutdown()
    assert closed == ["first"]
    for said in ("not cancelled within", "not done within", "SystemExit"):
        assert said in caplog.text
    background[0]._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_blocked_loop_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    blocked, go_on = threading.Event(), threading.Event()

    async def block() -> None:
        blocked.set()
        go_on.wait()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run_async, block())
        blocked.wait()
        running = event_loop._owner
        assert running is not None
        running.close(0.2)
        assert "did not end: something blocks it" in caplog.text
        assert run_async(loop_of_this_call()) is not running.loop
        go_on.set()
        done.result()


def test_a_call_that_comes_too_late_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the question for the loop and the call, the loop is closed."""
    run_async(loop_of_this_call())
    late = event_loop._owner
    assert late is not None
    shutdown()
    monkeypatch.setattr(event_loop, "owner_of_this_process", lambda: late)
    with pytest.raises(asyncio.CancelledError, match="has ended"):
        run_async(loop_of_this_call())


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
    done = processes.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED],
        cwd=REPOSITORY,
        environment={"PYTHONPATH": str(REPOSITORY)},
    )
    assert done.out == "both\n", done.err


def test_workers_end_the_loop_by_both_signals() -> None:
    from celery.signals import worker_process_shutdown, worker_shutdown

    for signal_ in (worker_process_shutdown, worker_shutdown):
        loop = run_async(loop_of_this_call())
        signal_.send(sender=None)
        assert loop.is_closed()
