"""Servers that take a connection and say nothing, and what is done within the time that was asked for."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from celery_lint.runtime import __main__ as command
from celery_lint.runtime import control, operations
from celery_lint.runtime.application import make_app
from celery_lint.runtime.control import NoWorkerAnswered
from celery_lint.runtime.deadlines import NotDone, Work, once
from tests.processes import run
from tests.proofs import services

if TYPE_CHECKING:
    from tests.proofs.harness import Servers

REPOSITORY = Path(__file__).parent.parent.parent
#: What a busy machine may add to a deadline; without deadlines it took minutes.
BUSY = 30.0
# What hangs ends by itself, after the test: its sockets with it.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts, reads and never answers."""
    import socket

    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        held = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


@pytest.fixture
def closed() -> int:
    """A port where nobody listens."""
    return services._free_port()


def in_time(begun: float, promised: float) -> bool:
    """Whether no more time has passed than was promised, measured by what a start takes right now."""
    took = time.monotonic() - begun
    if took < promised + BUSY:
        return True
    begun = time.monotonic()
    assert run([sys.executable, "-c", "import celery_lint.runtime.__main__"]).code == 0
    return took < promised + 20 * (time.monotonic() - begun)


def app_with(broker: str, backend: str) -> Celery:
    return Celery("deadlines", broker=broker, backend=backend, set_as_current=False)


@pytest.mark.parametrize("broker", ["redis", "amqp", "pyamqp"])
def test_a_silent_broker_and_a_silent_backend_are_told_in_time(broker: str, silent: int) -> None:
    app = app_with(f"{broker}://127.0.0.1:{silent}//", f"redis://127.0.0.1:{silent}/0")
    begun = time.monotonic()
    health = control.health(app, 1.0)
    assert in_time(begun, 2)
    assert (health.broker, health.backend, health.workers) == (False, False, ())
    assert sorted(error.partition(":")[0] for error in health.errors) == ["backend", "broker"]


def test_a_silent_backend_beside_a_good_broker(servers: Servers, silent: int) -> None:
    app = app_with(servers.broker, f"redis://127.0.0.1:{silent}/0")
    health = control.health(app, 1.0)
    assert (health.broker, health.backend, health.workers) == (True, False, ())
    assert [error.partition(":")[0] for error in health.errors] == ["backend", "workers"]


def test_probes_do_not_pile_up(silent: int) -> None:
    app = app_with(f"redis://127.0.0.1:{silent}/0", f"redis://127.0.0.1:{silent}/0")
    before = threading.active_count()
    for _ in range(10):
        control.health(app, 0.05)
    assert threading.active_count() - before <= 4


@pytest.mark.parametrize("broker", ["redis", "amqp"])
def test_questions_to_workers_end_as_well(broker: str, silent: int) -> None:
    app = app_with(f"{broker}://127.0.0.1:{silent}//", "disabled")
    begun = time.monotonic()
    for question in (
        lambda: control.ping(app, timeout=0.5),
        lambda: control.ask(app, "active", ["one@host"], 0.5),
        lambda: control.shutdown(app, everybody=True, timeout=0.5),
        lambda: control.restart_pool(app, timeout=0.5),
    ):
        with pytest.raises((NoWorkerAnswered, OSError, OperationalError)):
            question()
    assert in_time(begun, 4)


def test_an_address_that_cannot_be_read_tells_no_password() -> None:
    app = app_with("redis://:pa/ss@host:6379/0", "redis://:se/cret@host:6379/0")
    health = control.health(app, 1.0)
    assert not health.healthy
    text = " ".join(health.errors)
    assert "special characters" in text
    assert "'pa'" not in text
    assert "'se'" not in text


def test_nobody_is_ended_unless_named(servers: Servers) -> None:
    app = app_with(servers.broker, servers.backend)
    with pytest.raises(ValueError, match="of other applications too"):
        control.shutdown(app)


def test_a_broker_and_a_backend_that_are_gone(closed: int) -> None:
    """One kind of error for both, as is promised."""
    url = f"redis://127.0.0.1:{closed}/0"
    with pytest.raises(OperationalError):
        operations.send(make_app("gone", url), "gone.task", publish_retries=0)
    app = make_app("gone", url, url, result_backend_transport_options={"retry_policy": {"timeout": 0.1}})
    with pytest.raises(OperationalError, match="nothing was sent"):
        operations.send(app, "gone.task", publish_retries=0)
    with pytest.raises(OperationalError):
        operations.send(app, "gone.task", publish_retries=0, ignore_result=True)


def test_a_deadline() -> None:
    go_on = threading.Event()
    work = Work(lambda: go_on.wait(60))
    with pytest.raises(NotDone, match=r"no answer within \d+\.\d s"):
        work.within(0.01)
    assert work.runs()
    key = object()
    hanging = once(key, lambda: go_on.wait(60))
    with pytest.raises(NotDone, match="an earlier question"):
        once(key, lambda: True)
    go_on.set()
    assert work.within(60) is hanging.within(60) is True
    assert once(key, lambda: 3).within(60) == 3
    with pytest.raises(ZeroDivisionError):
        Work(lambda: 1 / 0).within(60)


# ------------------------------------------------------------------------------------ the command


def shell(tmp_path: Path, port: int, *words: str) -> tuple[int, Any, str]:
    url = f"redis://127.0.0.1:{port}/0"
    text = f"from celery import Celery\napp = Celery('asked', broker={url!r}, backend={url!r})\n"
    (tmp_path / "asked.py").write_text(text, encoding="utf-8")
    done = run(
        [sys.executable, "-m", "celery_lint.runtime", "-A", "asked", *words],
        environment={"PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)])},
    )
    lines = (done.out or done.err).splitlines()
    return done.code, lines[-1] if lines else "", done.err


@pytest.mark.parametrize(
    "words",
    [
        ("health",),
        ("ping",),
        ("ask", "active"),
        ("send", "asked.task"),
        ("send", "asked.task", "--wait"),
        ("status", "some-id"),
        ("result", "some-id"),
        ("revoke", "some-id"),
        ("shutdown", "--all"),
    ],
)
def test_every_command_ends_in_time(words: tuple[str, ...], silent: int, tmp_path: Path) -> None:
    begun = time.monotonic()
    code, said, errors = shell(tmp_path, silent, "--timeout", "1", *words)
    assert in_time(begun, 2)
    assert code == 1
    assert "Traceback" not in errors
    assert json.loads(said)


@pytest.mark.parametrize(
    "words, says",
    [
        (("send", "asked.task", "--args", '{"a": 1}'), "is no JSON list"),
        (("send", "asked.task", "--args", "5"), "is no JSON list"),
        (("send", "asked.task", "--args", "null"), "is no JSON list"),
        (("send", "asked.task", "--args", '"ab"'), "is no JSON list"),
        (("send", "asked.task", "--args", "[1"), "no JSON"),
        (("send", "asked.task", "--kwargs", "[1]"), "is no JSON object"),
        (("send", "asked.task", "--countdown", "-5"), "nothing runs in the past"),
        (("send", "asked.task", "--expires", "0"), "dropped at once"),
        (("revoke", "some-id", "--signal", "SIGNONSENSE"), "no signal 'SIGNONSENSE'"),
        (("shutdown",), "of other applications too"),
        (("--timeout", "0", "ping"), "no number of seconds"),
        (("--timeout", "nan", "ping"), "no number of seconds"),
    ],
)
def test_wrong_usage_is_told_and_nothing_sent(
    words: tuple[str, ...],
    says: str,
    closed: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"redis://127.0.0.1:{closed}/0"
    monkeypatch.setattr(command, "find_app", lambda _: app_with(url, url))
    try:
        code: object = command.main(["-A", "asked", *words])
    except SystemExit as error:  # what argparse itself refuses
        code = error.code
    assert code == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


def test_wrong_usage_of_the_command(closed: int, tmp_path: Path) -> None:
    code, said, _ = shell(tmp_path, closed, "shutdown")
    assert code == 2
    assert "of other applications too" in said
