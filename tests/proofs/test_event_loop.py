"""Proofs of what becomes of coroutines in worker pools."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import run
from tests.proofs.harness import GONE, Servers, Worker, until
from tests.proofs.pools import pools

Start = Callable[..., Worker]

RUNNING = r"RuntimeError: asyncio\.run\(\) cannot be called from a running event loop"
ALREADY = r"RuntimeError: This event loop is already running"
OTHER = r"RuntimeError: Cannot run the event loop while another loop is running"
ASGIREF = r"RuntimeError: You cannot use AsyncToSync in the same thread as an async event loop.*"
NO_LOOP = r"RuntimeError: There is no current event loop in thread '.*'\."
DIFFERENT_LOOP = r"RuntimeError: .* attached to a different loop"
ANOTHER_OPERATION = r"InterfaceError: .* cannot perform operation: another operation is in progress"
CLOSED = r"RuntimeError: Event loop is closed"


# ------------------------------------------------------------------------------------ loops side by side


@pytest.mark.proof("CEL110")
@pools("gevent", long=["eventlet"])
def test_asyncio_run_fails_beside_another(start: Start, servers: Servers, pool: str) -> None:
    """Greenlets share the running loop of their thread: one at a time works, two at once do not."""
    worker = start("event_loops", pool, servers)
    assert worker.run("run", "asyncio.run", "sleep", times=5, at_once=False).all_succeeded()
    bad = worker.bad("run", "asyncio.run", "sleep", times=20)
    assert bad.failed_only_with(RUNNING)
    assert bad.succeeded >= 1
    assert worker.good("run", "one kept loop", "sleep", times=20).all_succeeded()


@pytest.mark.proof("CEL110")
@pools("gevent", long=["eventlet"])
def test_another_broker_makes_no_difference(start: Start, rabbitmq: Servers, pool: str) -> None:
    """The same with messages from RabbitMQ."""
    worker = start("event_loops", pool, rabbitmq)
    bad = worker.bad("run", "asyncio.run", "sleep", times=20)
    assert bad.failed_only_with(RUNNING)
    assert bad.succeeded >= 1
    assert worker.good("run", "one kept loop", "sleep", times=20).all_succeeded()


@pytest.mark.proof("CEL115")
@pools("gevent", long=["eventlet"])
def test_a_thread_of_an_executor_is_a_greenlet_too(start: Start, servers: Servers, pool: str) -> None:
    """The helper's own thread meets the loop that it wants to avoid."""
    worker = start("event_loops", pool, servers)
    bad = worker.bad("run", "adaptive helper", "sleep", times=20)
    assert bad.failed_only_with(ALREADY)
    assert worker.good("run", "one kept loop", "sleep", times=20).all_succeeded()


@pytest.mark.proof("CEL128")
@pools("gevent", long=["eventlet"])
def test_async_to_sync_fails_beside_another(start: Start, servers: Servers, pool: str) -> None:
    """``async_to_sync`` refuses a thread in which a loop runs, and greenlets share the thread."""
    pytest.importorskip("asgiref")
    worker = start("event_loops", pool, servers)
    bad = worker.bad("run", "async_to_sync", "sleep", times=20)
    assert bad.failed_only_with(ASGIREF, RUNNING)
    assert bad.count(ASGIREF)
    assert worker.good("run", "one kept loop", "sleep", times=20).all_succeeded()


@pytest.mark.proof("CEL112")
@pools("gevent", long=["eventlet"])
def test_run_until_complete_fails_beside_another(start: Start, servers: Servers, pool: str) -> None:
    """A new loop is not enough where another loop runs in the same thread."""
    worker = start("event_loops", pool, servers)
    bad = worker.bad("run", "new_event_loop, closed", "sleep", times=20)
    assert bad.failed_only_with(OTHER)
    assert worker.good("run", "one kept loop", "sleep", times=20).all_succeeded()


@pytest.mark.proof("CEL112", "CEL113")
@pools("threads", "gevent", long=["eventlet"])
def test_only_the_main_thread_has_a_current_loop(start: Start, servers: Servers, pool: str) -> None:
    """``asyncio.get_event_loop()`` makes a loop in the main thread only."""
    worker = start("event_loops", pool, servers)
    bad = worker.bad("run", "get_event_loop", "sleep", times=10)
    assert bad.failed_only_with(NO_LOOP)
    assert bad.succeeded == 0
    assert worker.good("run", "one kept loop", "sleep", times=10).all_succeeded()


@pytest.mark.proof("CEL136")
@pools("prefork", long=["solo"])
def test_a_run_takes_the_current_loop_away(start: Start, servers: Servers, pool: str) -> None:
    """``asyncio.get_event_loop()`` works in the main thread until the first ``asyncio.run()`` there."""
    worker = start("event_loops", pool, servers, concurrency=1)
    assert worker.run("run", "get_event_loop", "sleep", times=3).all_succeeded()
    assert worker.good("run", "asyncio.run", "sleep", times=3).all_succeeded()
    bad = worker.bad("run", "get_event_loop", "sleep", times=3)
    assert bad.failed_only_with(NO_LOOP)
    assert bad.succeeded == 0


@pytest.mark.proof("CEL123")
@pools(long=["eventlet"])
def test_a_loop_that_is_entered_again_waits_twice(start: Start, servers: Servers, pool: str) -> None:
    """Two greenlets in one loop wait for the same file."""
    pytest.importorskip("nest_asyncio")
    worker = start("event_loops", pool, servers)
    assert worker.good("run", "one kept loop", "sleep", times=20).all_succeeded()
    bad = worker.bad("run", "nest_asyncio", "sleep", times=20)
    assert bad.count(r"RuntimeError: Second simultaneous read on fileno N detected")


@pytest.mark.proof("CEL110")
@pools("threads", "prefork", long=["solo"])
def test_asyncio_run_is_fine_where_each_task_has_a_thread(start: Start, servers: Servers, pool: str) -> None:
    """The rule is silent here: no greenlets, and nothing that outlives the loop."""
    worker = start("event_loops", pool, servers)
    assert worker.good("run", "asyncio.run", "sleep", times=20).all_succeeded()


# ------------------------------------------------------------------------------------ loops one after another


@pytest.mark.proof("CEL110", "CEL210")
@pools("prefork", long=["solo"])
def test_asyncio_run_leaves_the_pool_on_a_closed_loop(start: Start, database: Servers, pool: str) -> None:
    """The second task gets a connection of the first one's loop; from the third on the connection is lost."""
    worker = start("event_loops", pool, database, concurrency=1)
    for body in ("disposed", "unpooled"):
        good = worker.good("run", "asyncio.run", body, times=6, at_once=False, settle=GONE)
        assert good.all_succeeded()
        assert good.connections == 0
    bad = worker.bad("run", "asyncio.run", "pooled", times=6, at_once=False, settle=GONE)
    assert bad.succeeded == 1
    assert bad.failed_only_with(DIFFERENT_LOOP, ANOTHER_OPERATION)
    assert bad.count(DIFFERENT_LOOP) >= 1
    assert bad.count(ANOTHER_OPERATION) >= 1
    assert bad.connections == 1
    other = start("event_loops", pool, database, concurrency=1)
    assert other.good("run", "one kept loop", "pooled", times=6, at_once=False).all_succeeded()


@pytest.mark.proof("CEL210")
@pools("prefork", long=["solo"])
def test_aiomysql_does_not_notice_that_its_loop_is_closed(start: Start, mariadb: Servers, pool: str) -> None:
    """Every second task or so gets a connection of another loop."""
    worker = start("event_loops", pool, mariadb, concurrency=1)
    bad = worker.bad("run", "asyncio.run", "pooled", times=10, at_once=False)
    assert bad.failed_only_with(DIFFERENT_LOOP, CLOSED)
    assert bad.succeeded >= 1
    assert worker.good("run", "asyncio.run", "disposed", times=10, at_once=False).all_succeeded()
    assert worker.good("run", "one kept loop", "pooled", times=10, at_once=False).all_succeeded()


@pytest.mark.proof("CEL129")
@pools("solo", "threads", long=["prefork"])
def test_unclosed_loops_keep_files_open(start: Start, servers: Servers, pool: str) -> None:
    """A selector and a pair of sockets for each call, until the garbage collector comes by."""
    worker = start("event_loops", pool, servers, concurrency=1)
    good = worker.good("run", "new_event_loop, closed", "sleep", times=30)
    bad = worker.bad("run", "new_event_loop, not closed", "sleep", times=30)
    assert good.all_succeeded()
    assert bad.all_succeeded()
    assert good.descriptors <= 6
    assert bad.descriptors >= 15


@pytest.mark.proof("CEL130")
@pools("prefork", long=["solo"])
def test_a_closed_loop_stays_current(start: Start, servers: Servers, pool: str) -> None:
    """The next task that asks for the current loop gets the one that is closed."""
    worker = start("event_loops", pool, servers, concurrency=1)
    assert worker.run("closes_and_resets").all_succeeded()
    assert worker.good("uses_the_current_loop").all_succeeded()
    assert worker.run("closes_the_current_loop").all_succeeded()
    assert worker.bad("uses_the_current_loop").failed_only_with(CLOSED)


# ------------------------------------------------------------------------------------ without a loop


@pytest.mark.proof("CEL111")
@pools("prefork", long=["solo", "threads", "gevent", "eventlet"])
def test_nobody_awaits_a_coroutine_task(start: Start, servers: Servers, pool: str) -> None:
    """The body never runs; without a result the task even counts as done."""
    worker = start("coroutines", pool, servers)
    bad = worker.bad("coroutine_task", "bad")
    assert bad.failed_only_with(r"EncodeError: .*Object of type coroutine is not JSON serializable.*")
    assert worker.bad("ignored_coroutine_task", "ignored", hung=2).errors == {}
    assert worker.good("plain_task", "good").all_succeeded()
    assert worker.marks() == {"good"}
    warned = "RuntimeWarning: coroutine 'ignored_coroutine_task' was never awaited"
    assert until(lambda: warned in worker.log())


@pytest.mark.proof("CEL116")
@pools("prefork", long=["solo", "threads", "gevent", "eventlet"])
def test_a_coroutine_that_is_not_awaited_does_nothing(start: Start, servers: Servers, pool: str) -> None:
    """The task succeeds without its work."""
    worker = start("coroutines", pool, servers)
    assert worker.bad("forgets_to_await", "bad").all_succeeded()
    assert worker.good("runs_the_coroutine", "good").all_succeeded()
    assert worker.marks() == {"good"}
    assert until(lambda: "RuntimeWarning: coroutine 'leave' was never awaited" in worker.log())


@pytest.mark.proof("CEL117")
@pools("prefork", long=["solo", "threads"])
def test_the_loop_ends_before_its_background_work(start: Start, servers: Servers, pool: str) -> None:
    """``asyncio.run`` cancels what is still at work when its coroutine returns."""
    worker = start("event_loops", pool, servers)
    assert worker.bad("leaves_work_behind", "bad").all_succeeded()
    assert worker.good("waits_for_its_work", "good").all_succeeded()
    assert worker.marks() == {"bad cancelled", "good finished"}


@pytest.mark.proof("CEL124")
@pools("prefork", long=["solo", "threads", "gevent", "eventlet"])
def test_a_function_is_no_coroutine(start: Start, servers: Servers, pool: str) -> None:
    """The function has to be called."""
    worker = start("coroutines", pool, servers)
    bad = worker.bad("passes_the_function", "bad")
    assert bad.failed_only_with(r"(ValueError: a|TypeError: An|TypeError: a) .*coroutine.*")
    assert worker.good("runs_the_coroutine", "good").all_succeeded()
    assert worker.marks() == {"good"}


@pytest.mark.proof("CEL125")
@pools("prefork", long=["solo", "threads", "gevent", "eventlet"])
def test_nobody_awaits_a_coroutine_handler(start: Start, servers: Servers, pool: str) -> None:
    """Celery calls handlers of signals and of task classes, and awaits none."""
    worker = start("handlers", pool, servers)
    assert worker.run("handled").all_succeeded()
    good = {"plain_after_return", "plain_handler handlers.handled"}
    assert until(lambda: good <= worker.marks())
    assert not any("coroutine" in name for name in worker.marks())
    for name in ("coroutine_handler", "WithHandlers.on_success"):
        assert until(
            lambda name=name: f"RuntimeWarning: coroutine '{name}' was never awaited" in worker.log()
        )


@pytest.mark.proof("CEL126")
def test_await_in_a_plain_function_does_not_compile(tmp_path: Path) -> None:
    """The module cannot be imported, so no worker starts with it."""
    pytest.importorskip("celery")
    for form, code in (("bad", "def f():\n    await g()\n"), ("good", "async def f():\n    await g()\n")):
        (tmp_path / f"{form}.py").write_text("from celery import Celery\napp = Celery()\n" + code)
    said = {
        form: run([sys.executable, "-m", "celery", "-A", form, "report"], cwd=tmp_path)
        for form in ("bad", "good")
    }
    assert said["good"].code == 0, said["good"].err
    assert said["bad"].code != 0
    assert "SyntaxError: 'await' outside async function" in said["bad"].err


@pytest.mark.proof("CEL118")
@pools("prefork", long=["solo", "threads"])
def test_a_blocking_call_holds_the_loop_up(start: Start, servers: Servers, pool: str) -> None:
    """Of three coroutines that are gathered, how many are at work at the same time."""
    worker = start("event_loops", pool, servers)
    assert worker.bad("gathers", "time.sleep").results == [1]
    assert worker.good("gathers", "asyncio.sleep").results == [3]
    assert worker.good("gathers", "asyncio.to_thread").results == [3]


@pytest.mark.proof("CEL120")
@pools("prefork", long=["threads"])
def test_publishing_holds_the_loop_up(start: Start, servers: Servers, pool: str) -> None:
    """How often another coroutine gets its turn while the client tries to reach a broker that is away."""
    worker = start("event_loops", pool, servers)
    bad = worker.bad("publishes", False)
    good = worker.good("publishes", True)
    assert bad.results == [0]
    assert good.results[0] >= 5


@pytest.mark.proof("CEL121")
@pools("prefork", long=["threads"])
def test_waiting_for_a_result_holds_the_loop_up(start: Start, servers: Servers, pool: str) -> None:
    """How often another coroutine gets its turn until the answer is there."""
    worker = start("event_loops", pool, servers)
    bad = worker.bad("waits_for_a_result", False)
    good = worker.good("waits_for_a_result", True)
    assert bad.results == [0]
    assert good.results[0] >= 5


@pytest.mark.proof("CEL133")
@pools("prefork", long=["solo", "threads"])
def test_a_task_that_runs_a_loop_fails_inside_one(start: Start, servers: Servers, pool: str) -> None:
    """A coroutine calls the task like a function."""
    worker = start("event_loops", pool, servers)
    assert worker.bad("is_called_in_a_loop", "run").failed_only_with(RUNNING)
    assert worker.good("is_called_in_a_loop", "await").all_succeeded()
    assert worker.good("run", "asyncio.run", "sleep").all_succeeded()


@pytest.mark.proof("CEL132")
@pools("prefork", long=["solo", "threads", "gevent", "eventlet"])
def test_a_task_of_asyncio_needs_a_running_loop(start: Start, servers: Servers, pool: str) -> None:
    """In synchronous code no loop runs."""
    worker = start("coroutines", pool, servers)
    assert worker.bad("creates_a_task", "bad").failed_only_with(r"RuntimeError: no running event loop")
    assert worker.good("runs_the_coroutine", "good").all_succeeded()
    assert worker.marks() == {"good"}


# ------------------------------------------------------------------------------------ errors, retries, limits


@pytest.mark.proof("CEL114")
@pools("prefork", long=["solo", "threads"])
def test_the_question_for_the_loop_swallows_errors(start: Start, servers: Servers, pool: str) -> None:
    """A RuntimeError of the coroutine is taken for the answer that no loop runs."""
    worker = start("event_loops", pool, servers)
    assert worker.bad("masks_the_error").failed_only_with(ALREADY)
    assert worker.good("shows_the_error").failed_only_with(r"RuntimeError: the database is on fire")


@pytest.mark.proof("CEL134")
@pools("prefork", long=["solo", "threads"])
def test_a_coroutine_cannot_retry(start: Start, servers: Servers, pool: str) -> None:
    """Celery keeps the request of a task by thread, and the coroutine runs on another one."""
    pytest.importorskip("asgiref")
    worker = start("event_loops", pool, servers, concurrency=1)
    good = worker.good("retries_in_the_task")
    assert good.failed_only_with(r"MaxRetriesExceededError: .*")
    assert worker.bad("retries_in_the_coroutine", True).failed_only_with("ValueError: not yet")
    assert worker.bad("retries_in_the_coroutine", False, hung=4).hung == 1
    runs = [name.rpartition(" ")[0] for name in worker.marks()]
    assert sorted(runs) == ["coroutine False", "coroutine True", *["task"] * 3]


@pytest.mark.proof("CEL135")
@pools("prefork")
def test_a_coroutine_outlives_its_soft_limit(start: Start, servers: Servers, pool: str) -> None:
    """The limit ends the task; on a kept loop the coroutine goes on inside the next one."""
    worker = start("event_loops", pool, servers, concurrency=1)
    good = worker.good("limited_on_its_own_loop", "good")
    assert good.failed_only_with(r"SoftTimeLimitExceeded: .*")
    assert worker.marks() == {"good finally", "good after the run"}
    bad = worker.bad("limited_on_a_kept_loop", "bad")
    assert bad.failed_only_with(r"SoftTimeLimitExceeded: .*")
    assert "bad finally" not in worker.marks()
    assert worker.run("next_on_the_kept_loop").all_succeeded()
    assert {"bad resumed", "bad finally"} <= worker.marks()
    assert "good resumed" not in worker.marks()
