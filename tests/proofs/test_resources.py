"""Proofs of what becomes of engines, sessions, connections and processes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.proofs.harness import GONE, Servers, Worker, until
from tests.proofs.pools import pools

Start = Callable[..., Worker]

DIFFERENT_LOOP = r"RuntimeError: .* (attached to a different loop|is bound to a different event loop)"
BAD_INPUT = r"ValueError: no such order"


# ------------------------------------------------------------------------------------ disposal


@pytest.mark.proof("CEL211")
@pools("prefork", long=["solo"])
def test_a_disposal_that_is_not_awaited_closes_nothing(start: Start, database: Servers, pool: str) -> None:
    """The connection stays, on a loop that is closed."""
    worker = start("databases", pool, database, concurrency=1)
    good = worker.good("disposes_in_finally", False, settle=GONE)
    assert good.all_succeeded()
    assert good.connections == 0
    bad = worker.bad("calls_dispose", settle=GONE)
    assert bad.all_succeeded()
    assert bad.connections == 1
    warned = "RuntimeWarning: coroutine 'AsyncEngine.dispose' was never awaited"
    assert until(lambda: warned in worker.log())


@pytest.mark.proof("CEL212")
@pools("prefork", long=["solo"])
def test_a_failure_skips_a_disposal_at_the_end(start: Start, database: Servers, pool: str) -> None:
    """What stands after the failure does not run: the next run gets a connection of a loop that is closed."""
    worker = start("databases", pool, database, concurrency=1)
    good = worker.good("disposes_in_finally", True, settle=GONE)
    assert good.failed_only_with(BAD_INPUT)
    assert good.connections == 0
    bad = worker.bad("disposes_at_the_end", settle=GONE)
    assert bad.failed_only_with(BAD_INPUT)
    assert bad.connections == 1
    assert worker.bad("disposes_at_the_end").failed_only_with(DIFFERENT_LOOP)


@pytest.mark.proof("CEL212")
@pools("prefork", long=["solo"])
def test_a_skipped_disposal_waits_for_the_collector(start: Start, database: Servers, pool: str) -> None:
    """Connections of engines that nothing holds are open until these are collected, and closed by that."""
    worker = start("databases", pool, database, concurrency=1)
    bad = worker.bad("disposes_of_its_own_at_the_end", False, times=4, at_once=False)
    assert bad.failed_only_with(BAD_INPUT)
    assert bad.connections
    assert bad.connections > 1
    good = worker.good("disposes_of_its_own_at_the_end", True, times=3, at_once=False, settle=GONE)
    assert good.connections == 0


@pytest.mark.proof("CEL213")
@pools("threads")
def test_disposal_in_one_thread_orphans_the_connections_of_others(
    start: Start, database: Servers, pool: str
) -> None:
    """``dispose()`` forgets a pool whose connections other threads hold."""
    good = start("databases", pool, database).good("shares_the_loop", times=40, settle=GONE)
    assert good.all_succeeded()
    assert good.connections is not None
    assert good.connections <= 5
    worker = start("databases", pool, database)
    worker.run("disposes_in_a_thread")
    bad = worker.bad("disposes_in_a_thread", times=40, hung=8, settle=GONE)
    assert bad.connections is not None
    assert bad.connections > 5


@pytest.mark.proof("CEL221")
@pools("prefork", long=["solo"])
def test_a_disposal_that_fails_skips_the_next(start: Start, database: Servers, pool: str) -> None:
    """The second engine keeps its connection."""
    worker = start("databases", pool, database, concurrency=1)
    good = worker.good("disposes_in_a_chain", True, settle=GONE)
    bad = worker.bad("disposes_in_a_chain", False, settle=GONE)
    assert good.errors == bad.errors == {"OSError: the metrics server is away": 1}
    assert good.connections == 0
    assert bad.connections == 1


@pytest.mark.proof("CEL221")
def test_a_soft_limit_interrupts_a_disposal_under_asyncio_run_alone(start: Start, database: Servers) -> None:
    """It cancels the coroutine; ``async_to_sync`` runs that in a thread, to its end."""
    worker = start("databases", "prefork", database, concurrency=1)
    good = worker.good("disposes_until_the_limit", "async_to_sync", settle=GONE)
    bad = worker.bad("disposes_until_the_limit", "asyncio.run", settle=GONE)
    assert good.failed_only_with("SoftTimeLimitExceeded.*")
    assert bad.failed_only_with("SoftTimeLimitExceeded.*")
    assert good.connections == 0
    assert bad.connections == 1


@pytest.mark.proof("CEL235")
@pools("prefork", long=["solo", "threads"])
def test_an_engine_for_each_run_keeps_connections(start: Start, database: Servers, pool: str) -> None:
    """Connections stay open after the tasks, until the garbage collector comes by."""
    worker = start("databases", pool, database, concurrency=1)
    good = worker.good("makes_and_disposes", times=30, settle=GONE)
    assert good.all_succeeded()
    assert good.connections == 0
    bad = worker.bad("makes_an_engine", times=30, settle=GONE)
    assert bad.all_succeeded()
    assert bad.connections


# ------------------------------------------------------------------------------------ sessions


@pytest.mark.proof("CEL119")
@pools("prefork")
def test_two_sessions_wait_for_each_other(start: Start, database: Servers, pool: str) -> None:
    """The second one wants a row that the first one holds, and holds up the loop meanwhile."""
    worker = start("databases", pool, database)
    worker.run("create", settle=0)
    worker.run("change", "locked", "new", settle=0)
    assert worker.bad("waits_for_itself", False).failed_only_with(
        r"OperationalError: .*canceling statement due to lock timeout.*"
    )
    assert worker.good("waits_for_itself", True).all_succeeded()


@pytest.mark.proof("CEL218")
@pools("prefork", long=["solo", "threads"])
def test_a_shared_session_stays_broken(start: Start, database: Servers, pool: str) -> None:
    """After one task's failed flush every later task fails."""
    worker = start("databases", pool, database, concurrency=1)
    worker.run("create", settle=0)
    assert worker.run("adds_in_the_module_session", "a", settle=0).all_succeeded()
    assert worker.run("adds_in_the_module_session", "a", settle=0).failed_only_with("IntegrityError: .*")
    assert worker.bad("adds_in_the_module_session", "b", settle=0).failed_only_with(
        "PendingRollbackError: .*"
    )
    assert worker.run("adds_in_a_session", "a", settle=0).failed_only_with("IntegrityError: .*")
    assert worker.good("adds_in_a_session", "b", settle=0).all_succeeded()


@pytest.mark.proof("CEL219")
@pools("prefork", long=["solo"])
def test_sessions_that_nobody_closes_use_the_pool_up(start: Start, database: Servers, pool: str) -> None:
    """The third task waits for a connection in vain."""
    worker = start("databases", pool, database, concurrency=1)
    assert worker.good("opens_a_session_in_with", times=6, at_once=False).all_succeeded()
    bad = worker.bad("opens_a_session", times=6, at_once=False)
    assert bad.failed_only_with(r"TimeoutError: QueuePool limit of size 2 overflow 0 reached.*")


@pytest.mark.proof("CEL220")
@pools("prefork", long=["solo", "threads"])
def test_a_session_does_one_thing_at_a_time(start: Start, database: Servers, pool: str) -> None:
    """Two coroutines that are the first to use a session both want to connect."""
    worker = start("databases", pool, database)
    assert worker.bad("shares_the_session").failed_only_with(
        r"(InvalidRequestError|IllegalStateChangeError|InterfaceError): .*"
    )
    assert worker.good("opens_two_sessions").all_succeeded()


@pytest.mark.proof("CEL229")
@pools("prefork", long=["solo", "threads"])
def test_a_scoped_session_is_inherited(start: Start, database: Servers, pool: str) -> None:
    """The next task of the thread gets the session of the last one: its open transaction, its failure."""
    worker = start("databases", pool, database, concurrency=1)
    worker.run("create", settle=0)
    assert worker.good("counts_and_removes").all_succeeded()
    assert worker.connections(5, state="idle in transaction") == 0
    assert worker.bad("counts_in_the_scoped_session").all_succeeded()
    assert worker.connections(state="idle in transaction") == 1
    for task, last in (("adds_and_removes", ""), ("adds_in_the_scoped_session", "PendingRollbackError")):
        assert worker.run(task, task, settle=0).all_succeeded()
        assert worker.run(task, task, settle=0).failed_only_with("IntegrityError: .*")
        outcome = worker.run(task, f"{task} again", settle=0)
        assert [text.partition(":")[0] for text in outcome.errors] == list(filter(None, [last]))


@pytest.mark.proof("CEL230")
@pools("prefork", long=["solo", "threads"])
def test_a_failed_session_saves_nothing(start: Start, database: Servers, pool: str) -> None:
    """The status that the handler wants to save is lost."""
    worker = start("databases", pool, database)
    worker.run("create", settle=0)
    bad = worker.bad("saves_the_failure", False)
    assert bad.failed_only_with(r"PendingRollbackError: .*")
    assert worker.run("rows", settle=0).results == [[]]
    assert worker.good("saves_the_failure", True).all_succeeded()
    assert worker.run("rows", settle=0).results == [["failed"]]


@pytest.mark.proof("CEL231")
@pools("prefork", long=["solo", "threads"])
def test_a_commit_after_the_block_commits_nothing(start: Start, database: Servers, pool: str) -> None:
    """The task succeeds and the row is not there."""
    worker = start("databases", pool, database)
    worker.run("create", settle=0)
    assert worker.bad("commits_after_the_block", "bad").all_succeeded()
    assert worker.good("adds_in_a_session", "good").all_succeeded()
    assert worker.run("rows", settle=0).results == [["good"]]


# ------------------------------------------------------------------------------------ forks


@pytest.mark.proof("CEL214", "CEL215")
@pytest.mark.parametrize(
    "bad, good",
    [("inherited engine", "replaced engine"), ("inherited connection", "connection of the task")],
)
def test_forked_processes_share_a_connection(start: Start, database: Servers, bad: str, good: str) -> None:
    """Two processes talk to one process of the server, through one socket."""
    worker = start("forks", "prefork", database, concurrency=2)
    shared = dict(worker.bad("backend", bad, times=2, numbered=True).results)
    assert len(shared) == 2
    assert len(set(shared.values())) == 1
    apart = dict(worker.good("backend", good, times=2, numbered=True).results)
    assert len(apart) == 2
    assert len(set(apart.values())) == 2


@pytest.mark.proof("CEL216")
@pools("prefork")
def test_threads_do_not_survive_a_fork(start: Start, database: Servers, pool: str) -> None:
    """A client whose thread is in the parent never answers."""
    worker = start("forks", pool, database)
    assert worker.bad("asks_the_inherited_client").failed_only_with("TimeoutError: .*")
    assert worker.good("asks_its_own_client").results == ["answer"]


# ------------------------------------------------------------------------------------ processes


@pytest.mark.proof("CEL223")
@pools("prefork")
def test_prefork_processes_have_no_children(start: Start, servers: Servers, pool: str) -> None:
    """They are daemons."""
    worker = start("processes", pool, servers)
    refused = r"AssertionError: daemonic processes are not allowed to have children"
    assert worker.bad("starts_a_process").failed_only_with(refused)
    assert worker.bad("starts_a_pool").failed_only_with(refused)
    assert worker.good("sends_a_group").results == [3]


@pytest.mark.proof("CEL224")
@pools("prefork")
def test_a_thread_dies_with_its_process(start: Start, servers: Servers, pool: str) -> None:
    """The task has succeeded, its work has not been done."""
    worker = start("processes", pool, servers, concurrency=1, options=("--max-tasks-per-child=1",))
    bad = worker.bad("leaves_a_thread", "bad")
    assert bad.all_succeeded()
    assert until(lambda: bad.results[0] not in [process.pid for process in worker.processes()])
    assert worker.good("joins_its_thread", "good").all_succeeded()
    assert worker.marks() == {"good"}


@pytest.mark.proof("CEL225")
@pools("prefork")
def test_an_exit_loses_the_process(start: Start, servers: Servers, pool: str) -> None:
    """The worker finds a process gone."""
    worker = start("processes", pool, servers)
    lost = r"WorkerLostError: Worker exited prematurely: exitcode 3( Job: N)?\."
    assert worker.bad("exits").failed_only_with(lost)
    assert worker.good("raises").failed_only_with("ValueError: bad input")


@pytest.mark.proof("CEL226")
@pools("prefork")
def test_an_alarm_kills_the_process(start: Start, servers: Servers, pool: str) -> None:
    """The default of SIGALRM is to end the process."""
    worker = start("processes", pool, servers)
    assert worker.bad("sets_an_alarm").failed_only_with(
        r"WorkerLostError: Worker exited prematurely: signal 14 \(SIGALRM\)( Job: N)?\."
    )
    assert worker.good("has_a_limit").failed_only_with("SoftTimeLimitExceeded: .*")


@pytest.mark.proof("CEL226")
@pools("threads", long=["solo", "gevent", "eventlet"])
def test_handlers_belong_to_the_main_thread(start: Start, servers: Servers, pool: str) -> None:
    """Tasks in threads may set none."""
    worker = start("processes", pool, servers)
    if pool == "threads":
        assert worker.bad("sets_a_handler").failed_only_with(
            r"ValueError: signal only works in main thread of the main interpreter"
        )
    else:
        assert worker.good("sets_a_handler").all_succeeded()


@pytest.mark.proof("CEL226")
@pools("prefork")
def test_a_handler_of_a_task_keeps_the_soft_limit_away(start: Start, servers: Servers, pool: str) -> None:
    """The worker's own handling is gone, for later tasks too."""
    worker = start("processes", pool, servers, concurrency=1)
    assert worker.good("has_the_limit_taken").failed_only_with("SoftTimeLimitExceeded: .*")
    assert worker.run("takes_the_signal_of_the_limit").all_succeeded()
    assert worker.bad("has_the_limit_taken").results == ["went on"]


@pytest.mark.proof("CEL227")
@pools("prefork", long=["solo", "threads"])
def test_the_next_task_is_in_another_folder(start: Start, servers: Servers, pool: str) -> None:
    """A process has one current folder, and runs one task after another."""
    worker = start("processes", pool, servers, concurrency=1)
    before = worker.good("folder").results
    assert before != ["/"]
    assert worker.run("changes_the_folder").all_succeeded()
    assert worker.bad("folder").results == ["/"]


@pytest.mark.proof("CEL228")
@pools("prefork")
def test_each_process_remembers_for_itself(start: Start, servers: Servers, pool: str) -> None:
    """A list of the module does not hold what the other process has put into its own."""
    worker = start("processes", pool, servers, concurrency=2)
    bad = worker.bad("remembers", times=10)
    assert bad.all_succeeded()
    assert len({process for process, _ in bad.results}) == 2
    assert max(number for _, number in bad.results) < 10
