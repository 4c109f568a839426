"""Operations on a real worker, from Python and from a shell."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, Task
from celery.schedules import crontab

from celery_lint.runtime import control, operations
from celery_lint.runtime.control import NoWorkerAnswered
from celery_lint.runtime.operations import NotReady
from tests.processes import run
from tests.proofs.harness import Servers, Worker, until

APPLICATIONS = Path(__file__).parent / "applications"
PATIENCE = 30.0
# Celery's results leave a subscription to the collector, which then finds an open socket.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Clients of Redis that Celery has left in cycles go now: later, a socket may go before its client.

    What was there before the test is not searched: that takes a hundred times as long.
    """
    gc.freeze()
    yield
    gc.collect()
    gc.unfreeze()


@pytest.fixture
def worker(servers: Servers) -> Iterator[Worker]:
    with Worker("operated", "prefork", servers, folder=APPLICATIONS) as running:
        yield running


@pytest.fixture
def app(worker: Worker) -> Celery:
    return worker.app


def signature(app: Celery, name: str, *args: Any, **options: Any) -> Any:
    return app.signature(f"operated.{name}", args, **options)


def shell(worker: Worker, *words: str, timeout: float = PATIENCE) -> tuple[int, Any]:
    """The exit code and what the command said."""
    command = [sys.executable, "-m", "celery_lint.runtime", "-A", "operated", "--timeout", str(timeout)]
    done = run([*command, *words], environment=worker._variables())
    assert "Traceback" not in done.err, done.err
    return done.code, json.loads(done.out or done.err.splitlines()[-1])


def test_tasks_are_sent_waited_for_and_composed(worker: Worker, app: Celery) -> None:
    # Sent, by name and with options.
    sent = operations.send(app, "operated.add", [1, 2], queue=worker.name, expires=60)
    assert operations.result(app, sent.id, PATIENCE) == 3
    known = operations.status(app, sent.id)
    assert (known.state, known.ready, known.result, known.traceback) == ("SUCCESS", True, 3, None)

    # A failure comes back as itself.
    failed = operations.send(app, "operated.fail")
    with pytest.raises(ValueError, match="no users"):
        operations.result(app, failed.id, PATIENCE)
    known = operations.status(app, failed.id)
    assert (known.state, known.ready) == ("FAILURE", True)
    assert isinstance(known.result, ValueError)
    assert "no users" in (known.traceback or "")

    # A deadline is a deadline, and an id that nobody has sent is no error.
    late = operations.send(app, "operated.add", [1, 2], countdown=60)
    with pytest.raises(NotReady, match=r"had not ended after 0\.2 s"):
        operations.result(app, late.id, 0.2)
    assert operations.status(app, "nobody-knows") == ("nobody-knows", "PENDING", False, None, None)

    # An aware time is kept to.
    soon = datetime.now(timezone.utc) + timedelta(seconds=1)
    timed = operations.send(app, "operated.add", [2, 2], eta=soon)
    assert operations.result(app, timed.id, PATIENCE) == 4
    assert datetime.now(timezone.utc) >= soon

    # Compositions.
    add, total = (lambda *args: signature(app, "add", *args)), signature(app, "total")
    assert operations.run_chain(add(1, 2), add(4)).get(timeout=PATIENCE) == 7
    assert operations.run_group([add(1, 1), add(2, 2)]).get(timeout=PATIENCE) == [2, 4]
    assert operations.run_group([add(1, 1), add(2, 2)], total).get(timeout=PATIENCE) == 6
    task = operations.register(app, difference, "operated.add")
    assert operations.run_map(task, [(1, 2), (3, 4)], total).get(timeout=PATIENCE) == 10

    # The workers.
    assert until(lambda: control.health(app, 1).workers)
    (name,) = control.ping(app, timeout=2)
    assert name.startswith(worker.name)
    assert "operated.add" in control.ask(app, "registered", [name], 10)[name]
    assert control.ask(app, "stats", [name], 10)[name]["pool"]["max-concurrency"] == 2
    waiting = operations.send(app, "operated.wait", ["first"])
    assert until(lambda: "first-begun" in worker.marks())
    assert [task["id"] for task in control.ask(app, "active", [name], 10)[name]] == [waiting.id]
    with pytest.raises(NoWorkerAnswered, match=r"gone@nowhere did not answer 'ping' within 0\.5 s"):
        control.ping(app, ["gone@nowhere"], 0.5)
    with pytest.raises(RuntimeError, match="restarts not enabled"):
        control.restart_pool(app, [name], 10)
    with pytest.raises(ValueError, match="unknown question 'mood'"):
        control.ask(app, "mood")
    health = control.health(app, 2)
    assert health.healthy
    assert health == (True, True, (name,), ())

    # Revoked, before it runs and while it runs.
    operations.revoke(app, late.id)
    operations.revoke(app, waiting.id, terminate=True)
    assert until(lambda: operations.status(app, waiting.id).state == "REVOKED")
    assert until(lambda: "first-ended" in worker.marks())

    # Ended.
    assert control.shutdown(app, [name], 10) == [name]
    assert until(lambda: not worker.alive())
    with pytest.raises(NoWorkerAnswered, match=r"no worker answered 'active' within 0\.5 s"):
        control.ask(app, "active", timeout=0.5)


def test_the_command(worker: Worker) -> None:
    code, said = shell(worker, "send", "operated.add", "--args", "[1, 2]", "--wait")
    assert (code, said["result"]) == (0, 3)
    assert shell(worker, "status", said["task_id"])[1]["state"] == "SUCCESS"
    assert shell(worker, "result", said["task_id"]) == (0, said)
    code, said = shell(worker, "send", "operated.fail", "--wait")
    assert (code, said["error"]) == (1, "ValueError: no users")
    assert shell(worker, "send", "operated.add", "--eta", "2026-01-01T12:00:00") == (
        2,
        {"error": "ValueError: eta has no time zone; use datetime.now(timezone.utc)"},
    )
    code, said = shell(worker, "health", timeout=10)
    assert (code, said["healthy"]) == (0, True)


def test_what_nobody_answers(servers: Servers) -> None:
    app = Celery("lonely", broker="redis://127.0.0.1:1/0", backend=servers.backend, set_as_current=False)
    health = control.health(app, 1.0)
    assert not health.healthy
    assert (health.broker, health.backend, health.workers) == (False, True, ())
    assert health.errors[0].startswith("broker: ")
    app.backend.result_consumer.stop()
    app.backend.client.close()
    app.backend.client.connection_pool.disconnect()
    app.close()


def difference(first: int, second: int) -> int:
    return first - second


NOW = datetime(2026, 1, 1, 12, 0)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"args": "ab"}, r"write args=\('ab',\)"),
        ({"eta": NOW}, "eta has no time zone"),
        ({"expires": NOW}, "expires has no time zone"),
        ({"countdown": 5, "eta": NOW.replace(tzinfo=timezone.utc)}, "ignores eta"),
        ({"countdown": 60, "expires": 30}, "may not run before 60"),
        ({"priority": 10}, "between 0 and 9"),
    ],
)
def test_what_could_only_be_a_mistake_is_not_sent(options: dict[str, Any], message: str) -> None:
    app = Celery("shop", broker="memory://", set_as_current=False)
    with pytest.raises(ValueError, match=message):
        operations.send(app, "shop.sync", **options)


def test_compositions_of_nothing_and_of_no_signatures() -> None:
    app = Celery("shop", broker="memory://", set_as_current=False)

    @app.task(shared=False)  # other applications of this process do not get it
    def sync() -> None: ...

    for compose in (lambda: operations.run_chain(), lambda: operations.run_group([])):
        with pytest.raises(ValueError, match="nothing to run"):
            compose()
    with pytest.raises(ValueError, match=r"no signature; write task.s\(\.\.\.\)"):
        operations.run_chain(sync.delay)


def test_periodic_tasks() -> None:
    app = Celery("shop", broker="memory://", set_as_current=False)

    @app.task(shared=False)
    def sync() -> None: ...

    operations.every(app, 30.0, sync.s(), "fast")
    operations.every(app, timedelta(hours=1), sync.s(), "slow")
    operations.every(app, crontab(minute="0", hour="3"), sync.s(), "nightly")
    assert set(app.conf.beat_schedule) == {"fast", "slow", "nightly"}
    with pytest.raises(ValueError, match="periodic task 'fast' already"):
        operations.every(app, 60.0, sync.s(), "fast")
    with pytest.raises(ValueError, match="every 0 s"):
        operations.every(app, 0, sync.s(), "never")


def test_a_plain_function_becomes_a_task() -> None:
    app = Celery("shop", broker="memory://", set_as_current=False)
    task = operations.register(app, difference, rate_limit="1/m")
    assert isinstance(task, Task)
    assert task.name == f"{__name__}.difference"
    assert task.rate_limit == "1/m"
    assert task(5, 3) == 2
    assert operations.register(app, difference, "shop.difference").name == "shop.difference"
    for function in (len, app.close):
        with pytest.raises(TypeError, match="is no plain function; define one that calls it"):
            operations.register(app, function)
