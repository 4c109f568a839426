"""Proofs of which messages come back, and which do not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.proofs.harness import Servers, Worker, until
from tests.proofs.pools import pools

Start = Callable[..., Worker]

LOST = r"WorkerLostError: Worker exited prematurely: exitcode 1( Job: N)?\."


def runs(worker: Worker, task: str) -> int:
    """How often a task has begun."""
    return sum(name.startswith(f"ran {task} ") for name in worker.marks())


@pytest.fixture
def worker(start: Start, servers: Servers) -> Worker:
    """A worker of two processes."""
    return start("deliveries", "prefork", servers)


@pytest.mark.proof("CEL521")
def test_a_task_that_kills_its_process_comes_back_for_ever(worker: Worker) -> None:
    """The message goes back to the queue, and kills the next process."""
    assert worker.good("works").all_succeeded()
    worker.bad("kills_its_process_late", hung=1)
    assert until(lambda: runs(worker, "kills_its_process_late") >= 4)


@pytest.mark.proof("CEL522")
def test_an_acknowledged_message_does_not_come_back(worker: Worker) -> None:
    """``reject_on_worker_lost`` needs ``acks_late``."""
    assert worker.bad("kills_its_process").failed_only_with(LOST)
    worker.good("kills_its_process_once", hung=3)
    assert until(lambda: runs(worker, "kills_its_process_once") == 2)
    assert runs(worker, "kills_its_process") == 1


@pytest.mark.proof("CEL524")
def test_an_acknowledged_message_cannot_be_rejected(worker: Worker) -> None:
    """The task has run once, and nobody gets a result."""
    assert worker.good("rejects_late").results == ["done"]
    assert runs(worker, "rejects_late") == 2
    assert worker.bad("rejects", hung=3).hung == 1
    assert runs(worker, "rejects") == 1


@pytest.mark.proof("CEL525")
def test_a_rejected_message_comes_back_at_once(worker: Worker) -> None:
    """Again and again."""
    assert worker.good("rejects_late").results == ["done"]
    assert worker.bad("rejects_for_ever", hung=1).hung == 1
    assert until(lambda: runs(worker, "rejects_for_ever") > 20)


@pytest.mark.proof("CEL531")
def test_only_timed_out_tasks_come_back(worker: Worker) -> None:
    """A task that is late runs into its limit again; one that fails is gone."""
    worker.bad("comes_back_when_late", hung=1)
    assert until(lambda: runs(worker, "comes_back_when_late") >= 2)
    assert worker.bad("is_gone_when_failed").failed_only_with("ValueError: no such order")
    assert worker.run("works").all_succeeded()
    assert runs(worker, "is_gone_when_failed") == 1


@pytest.mark.proof("CEL530")
def test_a_message_expires_before_its_time(worker: Worker) -> None:
    """The worker drops it when the delay is over."""
    assert worker.bad("works", countdown=2, expires=1).failed_only_with("TaskRevokedError: expired")
    assert worker.good("works", countdown=1, expires=60).results == ["done"]
    assert runs(worker, "works") == 1


@pytest.mark.proof("CEL513")
def test_a_soft_limit_can_be_caught(worker: Worker) -> None:
    """The hard one cannot."""
    assert worker.bad("catches_the_soft_limit").results == ["done"]
    assert worker.good("catches_the_soft_limit_only").failed_only_with("TimeLimitExceeded: .*")


@pytest.mark.proof("CEL529")
@pools("threads")
def test_threads_cannot_be_terminated(start: Start, servers: Servers, pool: str) -> None:
    """The task goes on, and the worker says that it can do nothing."""
    worker = start("deliveries", pool, servers)
    task_id = worker.send("goes_on")
    assert until(lambda: "began" in worker.marks())
    worker.revoke(task_id)
    assert until(lambda: "went on" in worker.marks())
    assert until(lambda: "does not implement kill_job" in worker.log())


@pytest.mark.proof("CEL529")
@pytest.mark.parametrize(("signal", "cleans"), [("SIGTERM", True), ("SIGKILL", False)])
def test_a_terminated_task_runs_no_handler(start: Start, servers: Servers, signal: str, cleans: bool) -> None:
    """It is ended by SystemExit, which only its `finally` sees, or with its process."""
    worker = start("deliveries", "prefork", servers)
    task_id = worker.send("waits_to_be_ended")
    assert until(lambda: "waits" in worker.marks())
    worker.revoke(task_id, signal)
    assert until(lambda: (worker.answer(task_id) or {}).get("status") == "REVOKED")
    assert not cleans or until(lambda: "cleaned up" in worker.marks())
    assert worker.marks().isdisjoint({"handled"} if cleans else {"handled", "cleaned up"})


@pytest.mark.proof("CEL526")
def test_a_silent_peer_keeps_the_process(worker: Worker) -> None:
    """Without a timeout nothing ends the call."""
    assert worker.good("asks_with_a_timeout").failed_only_with("TimeoutError: timed out")
    assert worker.bad("asks_without_a_timeout", hung=4).hung == 1


MAIL = """
import smtplib, socket, sys
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, send_mail

server = socket.create_server(("127.0.0.1", 0))
settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT=server.getsockname()[1], **eval(sys.argv[1]))

def answer(client, *_):
    print(client.sock.gettimeout())
    raise smtplib.SMTPServerDisconnected

smtplib.SMTP.getreply = answer
for send in (
    lambda: send_mail("shop", "hello", "shop@example.com", ["you@example.com"]),
    lambda: EmailMultiAlternatives("shop", "hello", "shop@example.com", ["you@example.com"]).send(),
):
    try:
        send()
    except smtplib.SMTPServerDisconnected:
        pass
"""


@pytest.mark.proof("CEL526")
@pytest.mark.parametrize(("told", "timeout"), [("{}", "None"), ("{'EMAIL_TIMEOUT': 10}", "10.0")])
def test_django_waits_for_a_mail_server_without_an_end(told: str, timeout: str) -> None:
    """Its connections have no timeout but that of the settings."""
    pytest.importorskip("django")
    command = [sys.executable, "-c", MAIL, told]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [timeout, timeout]
